package pan.core.frames

import pan.core.Case
import pan.core.Golden
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class Mp4OrientationTest {
    private val cases = Golden.cases("android.json", "orientation")
    private val mirrored = cases.first { it.flag("mirrored") && it.whole("rotation") == 90 }

    private fun read(file: ByteArray) = Mp4Orientation.read(file.inputStream())

    private fun Case.orientation() = Orientation(whole("rotation"), flag("mirrored"))

    @Test
    fun `matrices have the orientations of the Python package`() {
        assertEquals(8, cases.map { it.orientation() }.toSet().size)
        for (case in cases) {
            for (version in 0..1) {
                assertEquals(case.orientation(), read(mp4(case, version)), "version $version $case")
            }
        }
    }

    @Test
    fun `the movie may stand behind the media and may have long sizes`() {
        val media = box("mdat", ByteArray(100_000))
        assertEquals(mirrored.orientation(), read(media + mp4(mirrored)))
        assertEquals(mirrored.orientation(), read(longBox("mdat", ByteArray(1000)) + mp4(mirrored)))
        assertEquals(mirrored.orientation(), read(longBox("moov", movie(mirrored))))
        // The last box may leave its size out.
        assertEquals(mirrored.orientation(), read(box("moov", movie(mirrored)).also { it.fill(0, 0, 4) }))
    }

    @Test
    fun `the first video track counts and sound does not`() {
        val other = cases.first { it.orientation() == Orientation() }
        val sound = track(other, handler = "soun")
        val header = header("mvhd", 36, other.wholes("movie"))
        assertEquals(Orientation(90, true), read(box("moov", header, sound, track(mirrored), track(other))))
        assertNull(read(box("moov", header, sound)))
    }

    @Test
    fun `another file has no orientation`() {
        assertNull(read(ByteArray(0)))
        assertNull(read(ByteArray(10_000) { (it * 7).toByte() }))
        assertNull(read(byteArrayOf(0x1a, 0x45, 0xdf.toByte(), 0xa3.toByte()) + ByteArray(1000)))
        assertNull(read(box("ftyp", ByteArray(16)) + box("mdat", ByteArray(100))))
    }

    @Test
    fun `a file that ends too early has no orientation`() {
        val whole = box("ftyp", ByteArray(16)) + mp4(mirrored)
        for (length in whole.indices) assertNull(read(whole.copyOf(length)), "$length bytes")
    }

    @Test
    fun `sizes that are wrong end the search`() {
        val whole = mp4(mirrored)
        for (place in whole.indices) {
            for (value in listOf(0, 1, 127, 255)) read(whole.copyOf().also { it[place] = value.toByte() })
        }
        // A track that says to be longer than its movie, and a size that is below that of its own header.
        val start = whole.decodeToString(0, whole.size).indexOf("trak")
        assertTrue(start > 0)
        val long = ByteBuffer.wrap(whole.copyOf()).putInt(start - 4, 1 shl 20).array()
        assertNull(read(long))
        assertNull(read(ByteBuffer.wrap(whole.copyOf()).putInt(0, 7).array()))
        val endless = ByteBuffer.wrap(longBox("mdat", ByteArray(9)) + whole).putLong(8, Long.MIN_VALUE).array()
        assertNull(read(endless))
    }

    @Test
    fun `a file of nothing but small boxes is given up`() {
        val free = box("free")
        var given = 0L
        val file =
            object : InputStream() {
                override fun read(): Int = free[(given++ % free.size).toInt()].toInt() and 255
            }
        assertNull(Mp4Orientation.read(file))
        assertTrue(given < 1_000_000, "$given bytes were read")
    }

    @Test
    fun `a stream that skips little is read in full`() {
        val content = box("mdat", ByteArray(5000)) + mp4(mirrored)
        val slow =
            object : InputStream() {
                private val bytes = content.inputStream()

                override fun read() = bytes.read()

                override fun skip(count: Long) = if (bytes.available() % 2 == 0) 0L else bytes.skip(minOf(count, 3))
            }
        assertEquals(mirrored.orientation(), Mp4Orientation.read(slow))
    }

    @Test
    fun `a picture is turned and mirrored`() {
        val picture = YuvPicture()
        Orientation(270, true).applyTo(picture)
        assertEquals(Orientation(270, true), Orientation(picture.rotation, picture.mirrored))
    }

    private fun mp4(
        case: Case,
        version: Int = 0,
    ) = box("ftyp", ByteArray(16)) + box("moov", movie(case, version))

    private fun movie(
        case: Case,
        version: Int = 0,
    ) = header("mvhd", 36, case.wholes("movie"), version) + track(case, version)

    private fun track(
        case: Case,
        version: Int = 0,
        handler: String = "vide",
    ): ByteArray {
        val names = box("hdlr", ByteArray(8), handler.encodeToByteArray(), ByteArray(13))
        val media = box("mdia", box("mdhd", ByteArray(24)), names, box("minf", box("hdlr", ByteArray(32))))
        return box("trak", header("tkhd", 40, case.wholes("track"), version), box("edts"), media)
    }

    /** A header with a matrix at [offset], 12 bytes later in version 1. */
    private fun header(
        type: String,
        offset: Int,
        matrix: List<Int>,
        version: Int = 0,
    ): ByteArray {
        val content = ByteBuffer.allocate(offset + 12 * version + 36 + 8)
        for (place in 0 until content.capacity()) content.put(place, 55)
        content.put(0, version.toByte())
        for ((number, entry) in matrix.withIndex()) content.putInt(offset + 12 * version + 4 * number, entry)
        return box(type, content.array())
    }

    private fun box(
        type: String,
        vararg parts: ByteArray,
    ): ByteArray = boxed(ByteBuffer.allocate(8).putInt(8 + parts.sumOf { it.size }).put(type.encodeToByteArray()), parts)

    private fun longBox(
        type: String,
        content: ByteArray,
    ): ByteArray {
        val head = ByteBuffer.allocate(16).putInt(1).put(type.encodeToByteArray())
        return boxed(head.putLong(16L + content.size), arrayOf(content))
    }

    private fun boxed(
        head: ByteBuffer,
        parts: Array<out ByteArray>,
    ): ByteArray {
        val bytes = ByteArrayOutputStream()
        bytes.write(head.array())
        parts.forEach(bytes::write)
        return bytes.toByteArray()
    }
}
