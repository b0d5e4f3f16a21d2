package pan.core.bundle

import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class BundleArchiveTest {
    @TempDir
    lateinit var place: File

    private val folder get() = File(place, "imported")

    private fun refused(
        content: ByteArray,
        archive: BundleArchive = BundleArchive(),
    ): String {
        val error = assertFailsWith<BundleException> { archive.unpack(content.inputStream(), folder) }
        assertEquals(emptyList(), place.walk().filter { it != place }.toList(), "something is left")
        return error.message.orEmpty()
    }

    private fun with(vararg entries: Pair<String, ByteArray>) = MemoryFiles.zip(memoryBundle().contents.toList() + entries)

    @Test
    fun `a zip of a bundle is imported`() {
        val bundle = BundleArchive().unpack(memoryBundle().zip().inputStream(), folder)
        assertEquals("imported", bundle.title)
        bundle.checkFiles()
        assertEquals(listOf("imported"), place.list()?.toList())
    }

    @Test
    fun `a zip of a folder is imported`() {
        val bundle = BundleArchive().unpack(memoryBundle().zip("demo/bundle/".drop(5)).inputStream(), folder)
        bundle.checkFiles()
        assertTrue(File(folder, "model.json").isFile)
    }

    @Test
    fun `files that the bundle does not name are left out`() {
        BundleArchive().unpack(with("extra/virus.so" to ByteArray(9)).inputStream(), folder)
        assertFalse(File(folder, "extra/virus.so").exists())
        assertTrue(File(folder, "vectors/clip.f32").isFile)
    }

    @Test
    fun `names that lead out of the folder are refused`() {
        for (name in listOf("../evil", "/evil", "vectors/../../evil", "..\\evil", "a/./b", "\u0000evil")) {
            val message = refused(with(name to ByteArray(1)))
            assertTrue("leads out of its folder" in message, "$name: $message")
        }
    }

    @Test
    fun `a bomb is refused as it is unpacked`() {
        val message = refused(with("bomb" to ByteArray(5_000_000)), BundleArchive(largest = 1_000_000))
        assertTrue("more than 1000000 bytes" in message, message)
    }

    @Test
    fun `many files that are a bomb together are refused`() {
        val many = Array(20) { "file_$it" to ByteArray(60_000) }
        assertTrue("more than 1000000 bytes" in refused(with(*many), BundleArchive(largest = 1_000_000)))
    }

    @Test
    fun `exactly as many bytes and files as are allowed are taken`() {
        val contents = memoryBundle().contents
        val bytes = contents.values.sumOf { it.size }.toLong()
        BundleArchive(largest = bytes, most = contents.size).unpack(memoryBundle().zip().inputStream(), folder).checkFiles()
        folder.deleteRecursively()
        assertTrue("more than ${bytes - 1} bytes" in refused(memoryBundle().zip(), BundleArchive(largest = bytes - 1)))
        val fewer = BundleArchive(most = contents.size - 1)
        assertTrue("more than ${contents.size - 1} files" in refused(memoryBundle().zip(), fewer))
    }

    @Test
    fun `too many files are refused`() {
        val many = Array(50) { "file_$it" to ByteArray(0) }
        val message = refused(with(*many), BundleArchive(most = 40))
        assertTrue("more than 40 files" in message, message)
    }

    @Test
    fun `a name that occurs twice is refused`() {
        val message = refused(with("Model.json" to ByteArray(1)))
        assertTrue("twice" in message, message)
    }

    @Test
    fun `what is no bundle is refused`() {
        assertTrue("no zip file" in refused(ByteArray(0)))
        assertTrue("no zip file" in refused(ByteArray(1000) { it.toByte() }))
        assertTrue("no bundle" in refused(MemoryFiles.zip(listOf("photo.jpg" to ByteArray(10)))))
    }

    @Test
    fun `a zip that ends too early is refused`() {
        val whole = memoryBundle().zip()
        for (length in listOf(whole.size / 3, whole.size / 2, whole.size * 2 / 3)) refused(whole.copyOf(length))
    }

    @Test
    fun `a zip with flipped bits imports a whole bundle or none`() {
        val whole = memoryBundle().zip()
        for (place in whole.indices step 7) {
            val damaged = whole.copyOf()
            damaged[place] = (damaged[place].toInt() xor 0x55).toByte()
            try {
                BundleArchive().unpack(damaged.inputStream(), folder).checkFiles()
            } catch (error: BundleException) {
                assertFalse(folder.exists(), error.message)
            }
            folder.deleteRecursively()
        }
    }

    @Test
    fun `a changed file and a missing file are refused`() {
        val changed = memoryBundle().also { it.contents["vectors/clip.f32"] = ByteArray(8) }
        assertTrue("changed since it was exported" in refused(changed.zip()))
        val missing = memoryBundle().also { it.contents.remove("vectors/clip.f32") }
        assertTrue("cannot be read" in refused(missing.zip()))
    }

    @Test
    fun `a bundle that is there already stays`() {
        folder.mkdirs()
        File(folder, "mine").writeText("mine")
        val error = assertFailsWith<BundleException> { BundleArchive().unpack(memoryBundle().zip().inputStream(), folder) }
        assertTrue("is there already" in error.message.orEmpty())
        assertEquals("mine", File(folder, "mine").readText())
    }
}
