package pan.core.bundle

import pan.core.Golden
import pan.core.answer.Confidence
import java.io.File
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

class BundleTest {
    private fun failure(
        change: (String) -> String,
        action: (MemoryFiles) -> Unit = { Bundle.open(it) },
    ): String {
        val files = memoryBundle()
        val before = files.contents.getValue("model.json").decodeToString()
        files.change(change)
        val after = files.contents.getValue("model.json").decodeToString()
        assertTrue(before != after, "nothing was changed")
        val error = assertFailsWith<BundleException>(after) { action(files) }
        return error.message.orEmpty()
    }

    private fun replaced(
        old: String,
        new: String,
    ) = failure({ it.replace(old, new) })

    @Test
    fun `a bundle has what model json says`() {
        val bundle = Bundle.open(memoryBundle())
        assertEquals(listOf("left", "right"), bundle.labels)
        assertEquals(InputSpec(2, 1, 2, 3, 4, Fit.CROP, 2), bundle.input)
        assertEquals(SamplingSpec(25.0, 4.5, 9.0, 0.25, 0.875), bundle.sampling)
        assertEquals(0.36, bundle.sampling.windowSeconds)
        assertEquals(listOf("model_float32.tflite", "step_float32.onnx"), bundle.models.map { it.file })
        assertEquals(
            "next_state_0",
            bundle.models[1]
                .states
                .single()
                .output,
        )
        assertEquals("# A card", bundle.card())
        assertEquals("BSD-2-Clause", bundle.licence["code"])
        assertNull(bundle.preview())
        bundle.checkFiles()
    }

    @Test
    fun `bundles of every schema version are read`() {
        for (version in 1..2) {
            val bundle = Bundle.open(FolderFiles(Golden.file("before/schema$version/bundle")))
            bundle.checkFiles()
            assertTrue(bundle.models.all { Vectors.read(bundle).of(it) != null })
            assertEquals(version, bundle.input.resizing)
        }
    }

    @Test
    fun `an earlier version lacks what later ones say`() {
        val files = memoryBundle()
        files.change {
            it
                .replace("\"schema_version\": 3", "\"schema_version\": 1")
                .replace("\"fit\": \"crop\",", "")
                .replace("\"resizing\": 2,", "")
                .replace("\"output\": \"next_state_0\",", "")
                .replace("\"window_frames\": 9.0, \"window_seconds\": 0.36, \"early\": 0.25, \"late\": 0.875", "\"rule\": \"words\"")
        }
        val bundle = Bundle.open(files)
        assertEquals(InputSpec(2, 1, 2, 3, 4, Fit.CROP, 1), bundle.input)
        assertEquals(SamplingSpec(25.0, 4.5, 9.0, 0.25, 0.875), bundle.sampling)
        assertEquals(
            "next_state_0",
            bundle.models[1]
                .states
                .single()
                .output,
        )
    }

    @Test
    fun `a source without a rate has none`() {
        val files = memoryBundle()
        files.change { it.replace("\"frame_rate\": 25.0", "\"frame_rate\": null") }
        val sampling = Bundle.open(files).sampling
        assertNull(sampling.frameRate)
        assertNull(sampling.windowSeconds)
    }

    @Test
    fun `temperature and threshold are those of the bundle`() {
        assertEquals(Confidence(), Bundle.open(memoryBundle()).confidence)
        for ((threshold, wanted) in listOf("0.71" to 0.71, "null" to null)) {
            val files = memoryBundle()
            files.change { it.replace("\"created\"", "\"confidence\": {\"temperature\": 1.62, \"threshold\": $threshold}, \"created\"") }
            assertEquals(Confidence(1.62, wanted), Bundle.open(files).confidence)
        }
    }

    @Test
    fun `a free dimension is that of one clip`() {
        val files = memoryBundle()
        files.change {
            it
                .replace(
                    "[2, 2, 3, 3], \"dtype\"",
                    "[-1, 2, 3, 3], \"dtype\"",
                ).replace("[1, 2], \"dtype\"", "[-1, 2], \"dtype\"")
        }
        val model = Bundle.open(files).models.first()
        assertEquals(listOf(2, 2, 3, 3), model.inputs.single().shape)
        assertEquals(listOf(1, 2), model.outputs.single().shape)
    }

    @Test
    fun `a later schema version is refused`() {
        assertTrue("install a newer app" in replaced("\"schema_version\": 3", "\"schema_version\": 4"))
    }

    @Test
    fun `what does not fit together is refused with a sentence`() {
        val wrong =
            mapOf(
                "\"labels\": [\"left\", \"right\"]" to "\"labels\": [\"left\"]",
                "\"labels\": [\"left\", \"right\"]," to "",
                "\"labels\": [\"left\", \"right\"]" to "\"labels\": [1, 2]",
                "\"fit\": \"crop\"" to "\"fit\": \"bend\"",
                "\"resizing\": 2" to "\"resizing\": 3",
                "\"channels\": \"RGB\"" to "\"channels\": \"BGR\"",
                "\"height\": 2" to "\"height\": 0",
                "\"height\": 2" to "\"height\": 2.5",
                "\"height\": 2" to "\"height\": 99999999999",
                "\"height\": 2, \"width\": 3" to "\"height\": 100000, \"width\": 100000",
                "\"resize\": 4" to "\"resize\": 1",
                "\"stride\": 4.5" to "\"stride\": 0",
                "\"stride\": 4.5" to "\"stride\": 1e999",
                "middle-of-segments" to "random",
                "\"format\": \"tflite\"" to "\"format\": \"coreml\"",
                "\"shape\": [2, 2, 3, 3]" to "\"shape\": [2, 2, 3, 4]",
                "\"next_state_0\", \"shape\": [2, 3], \"dtype\": \"float32\"}]}]" to
                    "\"next_state_0\", \"shape\": [2, 4], \"dtype\": \"float32\"}]}]",
                "\"output\": \"next_state_0\"" to "\"output\": \"nothing\"",
                "\"dtype\": \"float32\"" to "\"dtype\": \"complex64\"",
                "\"bytes\": 100" to "\"bytes\": -1",
                "\"sampling\"" to "\"sample\"",
                "\"created\"" to "\"confidence\": {\"threshold\": 0.5}, \"created\"",
                "\"created\"" to "\"confidence\": {\"temperature\": 0, \"threshold\": null}, \"created\"",
                "\"created\"" to "\"confidence\": {\"temperature\": 1, \"threshold\": 1.5}, \"created\"",
                "{\"schema_version\"" to "[{\"schema_version\"",
                "{\"schema_version\"" to "",
            )
        for ((old, new) in wrong) {
            val message = replaced(old, new)
            assertTrue(message.startsWith("memory/model.json: "), "$old -> $new: $message")
            assertTrue(message.endsWith("export the bundle again"), "$old -> $new: $message")
        }
    }

    @Test
    fun `a model says which release of its runtime it needs`() {
        val files = memoryBundle()
        assertTrue(Bundle.open(files).models.all { it.runtime == null && it.runsOn("1.0.0") })
        files.change { it.replace("\"bytes\": 100", "\"bytes\": 100, \"conversion\": {\"runtime\": {\"requires\": \"2.16.1\"}}") }
        val model = Bundle.open(files).models[0]
        assertEquals("2.16.1", model.runtime)
        assertEquals(listOf("2.16.1", "2.17.0", "3.0.0", "2.16.1-rc1"), RELEASES.filter(model::runsOn))
        files.change { it.replace("2.16.1", "new") }
        assertFailsWith<BundleException> { Bundle.open(files) }
    }

    @Test
    fun `deep nesting is refused`() {
        val message = failure({ it.replace("\"created\": \"today\"", "\"created\": " + "[".repeat(100_000)) })
        assertTrue("nested too deeply" in message, message)
    }

    @Test
    fun `names that lead out of the bundle are refused`() {
        for (name in listOf("../secret", "/etc/passwd", "a/../../b", "a\\\\b", "", "a//b", "./a")) {
            val message = replaced("\"MODEL_CARD.md\":", "\"$name\":")
            assertTrue("outside of the bundle" in message, "$name: $message")
        }
    }

    @Test
    fun `a folder without model json is no bundle`() {
        val error = assertFailsWith<BundleException> { Bundle.open(MemoryFiles(HashMap())) }
        assertTrue("no bundle" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `a changed file is refused`() {
        val files = memoryBundle()
        val bundle = Bundle.open(files)
        files.contents.getValue("model_float32.tflite")[50] = 9
        for (action in listOf({ bundle.directContent(bundle.models[0]) }, { bundle.checkFiles() })) {
            val error = assertFailsWith<BundleException> { action() }
            assertTrue("changed since it was exported" in error.message.orEmpty(), error.message)
        }
    }

    @Test
    fun `a file of another size is refused before it fills the memory`() {
        val files = memoryBundle()
        val bundle = Bundle.open(files)
        for (size in listOf(99, 101, 0)) {
            files.contents["model_float32.tflite"] = ByteArray(size)
            val error = assertFailsWith<BundleException> { bundle.directContent(bundle.models[0]) }
            assertTrue("model_float32.tflite" in error.message.orEmpty(), error.message)
        }
        assertFailsWith<BundleException> { bundle.content("vectors/index.json", 10) }
        assertFailsWith<BundleException> { bundle.directContent("vectors/index.json", 1L shl 40) }
    }

    @Test
    fun `a size that is not that of the file is refused`() {
        for (size in listOf(90, 120)) {
            val files = memoryBundle()
            files.change { it.replace("\"bytes\": 100", "\"bytes\": $size") }
            val bundle = Bundle.open(files)
            val error = assertFailsWith<BundleException> { bundle.directContent(bundle.models[0]) }
            assertTrue("has not the $size bytes" in error.message.orEmpty(), error.message)
        }
    }

    @Test
    fun `what follows the facts is refused`() {
        val message = failure({ "$it {}" })
        assertTrue("more follows after its end" in message, message)
    }

    @Test
    fun `a model that is missing is refused`() {
        val files = memoryBundle()
        val bundle = Bundle.open(files)
        files.contents.remove("step_float32.onnx")
        val error = assertFailsWith<BundleException> { bundle.directContent(bundle.models[1]) }
        assertTrue("cannot be read" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `the vectors hold clips and logits`() {
        val bundle = Bundle.open(memoryBundle())
        val vectors = Vectors.read(bundle)
        assertEquals(1, vectors.clips)
        assertEquals(CLIP_BYTES, vectors.clip(0).remaining())
        assertEquals(5, vectors.clip(0).get(5))
        val clip = checkNotNull(vectors.of(bundle.models[0]))
        assertContentEquals(floatArrayOf(1f, 2f), clip.logits.single().single())
        val step = checkNotNull(vectors.of(bundle.models[1]))
        assertContentEquals(floatArrayOf(3f, 4f), step.logits.single()[1])
        assertEquals(0.5f, step.maxDifference)
    }

    private companion object {
        val RELEASES = listOf("2.16.1", "2.16.0", "2.15.9", "2.9.0", "2.17.0", "3.0.0", "2.16", "1.99.9", "2.16.1-rc1")
    }
}
