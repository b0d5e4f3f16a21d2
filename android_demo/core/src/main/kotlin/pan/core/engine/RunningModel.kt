package pan.core.engine

import pan.core.bundle.ModelFile
import java.nio.ByteBuffer
import java.nio.FloatBuffer

/**
 * A clip model, or a streaming model with its states.
 *
 * Nothing is allocated per call. Called from one thread.
 *
 * ```
 * val running = RunningModel(engine)
 * val logits = running.run(clip)    // of a clip model: frames (N * m, H, W, 3)
 * ```
 *
 * @param engine The loaded model; closed by [close].
 */
class RunningModel(
    private val engine: Engine,
) : AutoCloseable {
    /** The file of the model. */
    val model: ModelFile get() = engine.model

    /** Bytes of the frames that a call takes. */
    val frameBytes: Int

    /** The logits of the newest call, in the order of the labels. */
    val logits: FloatArray

    /** How many calls there were since the states were zero. */
    var steps: Int = 0
        private set

    /** Nanoseconds that the newest call of the runtime took. */
    var runNanos: Long = 0
        private set

    /** Nanoseconds that it took to read the logits and to carry the states on. */
    var readNanos: Long = 0
        private set

    private val frames: ByteBuffer = engine.input(ModelFile.FRAMES)
    private val answer: FloatBuffer = engine.output(ModelFile.LOGITS).asFloatBuffer()
    private val states = model.states.map { it.input.name to it.output }
    private val inputs = states.map { engine.input(it.first) }.toTypedArray()
    private val outputs = states.map { engine.output(it.second) }.toTypedArray()

    init {
        frameBytes = frames.capacity()
        logits = FloatArray(answer.capacity())
        reset()
    }

    /**
     * Answers for the frames of a clip, or of the next segment of a stream.
     *
     * @param given The frames from its position to its limit; both stay.
     * @return [logits], of the last N segments.
     * @throws EngineException If the model fails or gives a value that is no number.
     * @throws IllegalArgumentException If the frames are too many or too few.
     */
    fun run(given: ByteBuffer): FloatArray {
        require(
            given.remaining() == frameBytes,
        ) { "${given.remaining()} bytes of frames; ${model.file} takes $frameBytes" }
        val start = given.position()
        frames.clear()
        frames.put(given)
        frames.clear()
        given.position(start)
        val before = System.nanoTime()
        engine.run()
        val after = System.nanoTime()
        answer.clear()
        answer.get(logits)
        for (place in inputs.indices) copy(outputs[place], inputs[place])
        steps++
        runNanos = after - before
        readNanos = System.nanoTime() - after
        for (logit in logits) {
            if (logit.isNaN() || logit.isInfinite()) {
                throw EngineException("${model.file}: gives values that are not numbers; export it again")
            }
        }
        return logits
    }

    /** An output of the newest call, such as `motion`. */
    fun output(name: String): ByteBuffer = engine.output(name)

    /** Forgets all segments so far: all states are zero. */
    fun reset() {
        for (state in inputs) for (place in 0 until state.capacity()) state.put(place, 0)
        steps = 0
    }

    override fun close() = engine.close()

    private fun copy(
        source: ByteBuffer,
        target: ByteBuffer,
    ) {
        source.clear()
        target.clear()
        target.put(source)
        source.clear()
        target.clear()
    }
}
