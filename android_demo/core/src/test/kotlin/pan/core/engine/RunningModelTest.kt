package pan.core.engine

import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.bundle.floats
import pan.core.bundle.memoryBundle
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Runs a function in place of a model. */
private class FunctionEngine(
    override val model: ModelFile,
    private val function: (FunctionEngine) -> Unit,
) : Engine {
    private val buffers =
        (model.inputs.map { "in ${it.name}" to it.bytes } + model.outputs.map { "out ${it.name}" to it.bytes })
            .associate { (name, bytes) -> name to ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()) }

    override fun input(name: String): ByteBuffer = buffers.getValue("in $name")

    override fun output(name: String): ByteBuffer = buffers.getValue("out $name")

    override fun run() = function(this)

    override fun close() = Unit
}

class RunningModelTest {
    private val bundle = Bundle.open(memoryBundle())
    private val clipModel = bundle.models[0]
    private val stepModel = bundle.models[1]
    private val step: ByteBuffer = ByteBuffer.allocate(bundle.input.segmentBytes)

    private fun answering(
        model: ModelFile,
        vararg logits: Float,
    ) = RunningModel(
        FunctionEngine(model) { engine ->
            logits.forEachIndexed {
                place,
                logit,
                ->
                engine.output("logits").putFloat(4 * place, logit)
            }
        },
    )

    /** The logits are how often it was called, by its state, and the first byte of the frames. */
    private fun counting() =
        RunningModel(
            FunctionEngine(stepModel) { engine ->
                val count = engine.input("state_0").getFloat(0) + 1
                engine.output("next_state_0").putFloat(0, count)
                engine.output("logits").putFloat(0, count).putFloat(4, engine.input("frames").get(0).toFloat())
            },
        )

    @Test
    fun `states go from call to call until a reset`() {
        val running = counting()
        step.put(0, 7)
        repeat(3) { call -> assertContentEquals(floatArrayOf(call + 1f, 7f), running.run(step)) }
        assertEquals(3, running.steps)
        running.reset()
        assertEquals(1f, running.run(step)[0])
    }

    @Test
    fun `frames stay where they are`() {
        val frames = ByteBuffer.allocate(100)
        frames.position(10).limit(10 + bundle.input.segmentBytes)
        counting().run(frames)
        assertEquals(10, frames.position())
        assertEquals(bundle.input.segmentBytes, frames.remaining())
    }

    @Test
    fun `too few frames are refused`() {
        assertFailsWith<IllegalArgumentException> { counting().run(ByteBuffer.allocate(3)) }
    }

    @Test
    fun `values that are no numbers are refused`() {
        for (value in listOf(Float.NaN, Float.POSITIVE_INFINITY)) {
            val running = answering(clipModel, 1f, value)
            val error = assertFailsWith<EngineException> { running.run(ByteBuffer.allocate(running.frameBytes)) }
            assertTrue("not numbers" in error.message.orEmpty())
        }
    }

    @Test
    fun `the check tells a right answer from a wrong one`() {
        val check = VectorCheck(bundle)
        assertNull(check.run(answering(clipModel, 1f, 2f)).problem)
        assertTrue(check.run(answering(clipModel, 1f, 2.00009f)).passed)
        val off = check.run(answering(clipModel, 1f, 2.5f))
        assertEquals(0.5f, off.difference)
        assertTrue("off by 0.5" in off.problem.orEmpty(), off.problem)
        assertNotNull(check.run(answering(clipModel, 1f, Float.NaN)).problem)
    }

    @Test
    fun `a difference of exactly what is allowed passes`() {
        // The vectors want (1, 0) and then (3, 4), each within 0.5, which floats hold exactly.
        fun check(second: Float): CheckResult {
            val running =
                RunningModel(
                    FunctionEngine(stepModel) { engine ->
                        val isFirst = engine.input("state_0").getFloat(0) == 0f
                        engine.output("next_state_0").putFloat(0, 1f)
                        engine.output("logits").putFloat(0, if (isFirst) 1f else 3f).putFloat(4, if (isFirst) 0f else second)
                    },
                )
            return VectorCheck(bundle).run(running)
        }
        assertEquals(CheckResult(0.5f, 0.5f, null), check(4.5f))
        assertTrue("off by" in check(4.5f + 1f / 1024).problem.orEmpty())
    }

    @Test
    fun `the check holds every step of a stream and its largest class`() {
        // The vectors want (1, 0) and then (3, 4), each within 0.5.
        val check = VectorCheck(bundle)

        fun steps(
            first: FloatArray,
            second: FloatArray,
        ) = RunningModel(
            FunctionEngine(stepModel) { engine ->
                val isFirst = engine.input("state_0").getFloat(0) == 0f
                engine.output("next_state_0").putFloat(0, 1f)
                val logits = if (isFirst) first else second
                logits.forEachIndexed { place, logit -> engine.output("logits").putFloat(4 * place, logit) }
            },
        )
        assertTrue(check.run(steps(floatArrayOf(1f, 0f), floatArrayOf(3f, 4f))).passed)
        assertTrue("off by" in check.run(steps(floatArrayOf(1f, 0f), floatArrayOf(3f, 5f))).problem.orEmpty())
        assertTrue("off by" in check.run(steps(floatArrayOf(2f, 0f), floatArrayOf(3f, 4f))).problem.orEmpty())
        val other = check.run(steps(floatArrayOf(0.5f, 0.5001f), floatArrayOf(3f, 4f)))
        assertTrue("off by" in other.problem.orEmpty() || "another class" in other.problem.orEmpty(), other.problem)
    }

    @Test
    fun `the check begins with states of zero and leaves such`() {
        val running =
            RunningModel(
                FunctionEngine(stepModel) { engine ->
                    val isFirst = engine.input("state_0").getFloat(0) == 0f
                    engine.output("next_state_0").putFloat(0, 1f)
                    engine.output("logits").putFloat(0, if (isFirst) 1f else 3f).putFloat(4, if (isFirst) 0f else 4f)
                },
            )
        running.run(step)
        assertNull(VectorCheck(bundle).run(running).problem)
        assertEquals(0, running.steps)
    }

    @Test
    fun `vectors that are no numbers prove nothing`() {
        val broken = Bundle.open(memoryBundle(floats(Float.NaN, 1f)))
        assertNotNull(VectorCheck(broken).run(answering(clipModel, 2f, 1f)).problem)
    }

    @Test
    fun `a model without vectors is not used`() {
        val other = clipModel.copy(file = "other.tflite")
        assertTrue("no test vectors" in VectorCheck(bundle).run(answering(other, 1f, 2f)).problem.orEmpty())
    }
}
