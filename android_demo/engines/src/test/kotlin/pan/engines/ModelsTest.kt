package pan.engines

import org.tensorflow.lite.TensorFlowLite
import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.bundle.Vectors
import pan.core.engine.Engine
import pan.core.engine.EngineException
import pan.core.engine.RunningModel
import pan.core.engine.VectorCheck
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue

/** The phone's own TensorFlow Lite, and ONNX Runtime, on bundles of the Python package. */
class ModelsTest {
    private fun clip(bundle: Bundle): ByteBuffer = Vectors.read(bundle).clip(0)

    private fun streaming(format: String): Pair<Bundle, ModelFile> = Inputs.models.first { (_, model) -> model.streaming && model.format == format && model.precision == "float32" }

    private fun segment(
        bundle: Bundle,
        clip: ByteBuffer,
        number: Int,
    ): ByteBuffer {
        clip.clear()
        clip.position(number * bundle.input.segmentBytes)
        clip.limit((number + 1) * bundle.input.segmentBytes)
        return clip
    }

    @Test
    fun `the library is that of the phone`() {
        Runtimes.load()
        assertEquals("2.16.1", TensorFlowLite.runtimeVersion())
    }

    @Test
    fun `the bundles hold every kind of model`() {
        val kinds = Inputs.models.map { (_, model) -> Triple(model.format, model.precision, model.streaming) }.toSet()
        for (precision in listOf("float32", "float16", "dynamic", "int8")) assertTrue(Triple("tflite", precision, false) in kinds)
        for (format in listOf("tflite", "onnx")) {
            for (precision in listOf("float32", "int8")) assertTrue(Triple(format, precision, true) in kinds)
        }
    }

    @Test
    fun `every model answers the test vectors as at export`() {
        for ((bundle, model) in Inputs.models) {
            Runtimes.running(bundle, model).use { running ->
                val result = VectorCheck(bundle).run(running)
                println("${bundle.title}/${model.file} off by ${result.difference} of ${result.allowed}")
                assertEquals(null, result.problem, "${bundle.title}/${model.file}")
                if (model.precision == "float32") assertTrue(result.difference <= 1e-4f, "${model.file}: $result")
            }
        }
    }

    @Test
    fun `a runtime that computes something else fails the check`() {
        for ((bundle, model) in Inputs.models) {
            val engine = Runtimes.engine(bundle, model)
            val wrong =
                object : Engine by engine {
                    override fun run() {
                        val frames = engine.input(ModelFile.FRAMES)
                        for (place in 0 until frames.capacity()) frames.put(place, (frames.get(place).toInt() xor 255).toByte())
                        engine.run()
                    }
                }
            RunningModel(wrong).use { running ->
                val problem = VectorCheck(bundle).run(running).problem.orEmpty()
                assertTrue("off by" in problem || "another class" in problem, "${model.file}: $problem")
            }
        }
    }

    @Test
    fun `states come in the order of the segments`() {
        for (format in listOf("tflite", "onnx")) {
            val (bundle, model) = streaming(format)
            val clip = clip(bundle)
            val segments = bundle.input.segments
            Runtimes.running(bundle, model).use { running ->
                val forwards = List(segments) { running.run(segment(bundle, clip, it)).copyOf() }.last()
                running.reset()
                val backwards = List(segments) { running.run(segment(bundle, clip, segments - 1 - it)).copyOf() }.last()
                running.reset()
                val again = List(segments) { running.run(segment(bundle, clip, it)).copyOf() }.last()
                assertContentEquals(forwards, again)
                assertNotEquals(0f, difference(forwards, backwards))
                assertEquals(segments, running.steps)
            }
        }
    }

    @Test
    fun `without a reset the past counts`() {
        val (bundle, model) = streaming("tflite")
        val clip = clip(bundle)
        Runtimes.running(bundle, model).use { running ->
            val first = running.run(segment(bundle, clip, 0)).copyOf()
            val second = running.run(segment(bundle, clip, 0)).copyOf()
            running.reset()
            assertTrue(difference(first, second) > 1e-4f)
            assertContentEquals(first, running.run(segment(bundle, clip, 0)))
        }
    }

    @Test
    fun `a hundred switches of models leave no memory behind`() {
        for (format in listOf("tflite", "onnx")) {
            val models = Inputs.models.filter { (_, model) -> model.precision == "float32" && model.format == format }

            fun open(number: Int): RunningModel {
                val (bundle, model) = models[number % models.size]
                return Runtimes.running(bundle, model).also { it.run(clip(bundle).limit(it.frameBytes)) }
            }
            repeat(2 * SWITCHES) { open(it).close() }
            val before = resident()
            repeat(SWITCHES) { open(it).close() }
            val grown = resident() - before
            // What it would be if none had been closed.
            val held = List(SWITCHES) { open(it) }
            val cost = resident() - before - grown
            held.forEach { it.close() }
            println("$format: $grown kB left by $SWITCHES switches, $cost kB if none is closed")
            assertTrue(grown < cost / 8, "$format: $grown kB left, $cost kB if none is closed")
        }
    }

    @Test
    fun `what is no model is refused with a sentence`() {
        Runtimes.load()
        for ((_, model) in Inputs.models) {
            val nothing = ByteBuffer.allocateDirect(1000).order(ByteOrder.nativeOrder())
            val error =
                assertFailsWith<EngineException> {
                    if (model.format == "tflite") TfliteEngine(model, nothing, 1) else OnnxEngine(model, nothing, 1)
                }
            assertTrue(model.file in error.message.orEmpty() && "export it again" in error.message.orEmpty(), error.message)
        }
    }

    @Test
    fun `a model of other inputs than its bundle says is refused`() {
        val (bundle, model) = streaming("tflite")
        val wrong = model.copy(inputs = model.inputs.drop(1))
        val error = assertFailsWith<EngineException> { Runtimes.engine(bundle, wrong) }
        assertTrue("its bundle says" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `a model for a later runtime is refused`() {
        val (bundle, model) = streaming("tflite")
        val error = assertFailsWith<EngineException> { Runtimes.engine(bundle, model.copy(runtime = "2.17.0")) }
        assertTrue("needs TensorFlow Lite 2.17.0, but this app has 2.16.1" in error.message.orEmpty(), error.message)
        assertTrue(Inputs.models.all { (_, model) -> (model.runtime != null) == (model.format == "tflite") })
    }

    /** Memory of the process, native memory included, in kB. */
    private fun resident(): Long {
        repeat(3) {
            System.gc()
            Thread.sleep(100)
        }
        return java.io
            .File("/proc/self/status")
            .readLines()
            .first { it.startsWith("VmRSS") }
            .filter(Char::isDigit)
            .toLong()
    }

    private companion object {
        const val SWITCHES = 100
    }
}
