package pan.demo.benchmark

import pan.core.answer.Timings
import pan.core.engine.RunningModel
import java.nio.ByteBuffer

/**
 * Milliseconds of the calls of a model.
 *
 * @param capacity How many calls are kept.
 * @param clock Gives nanoseconds.
 */
class CallTimes(
    capacity: Int,
    private val clock: () -> Long,
) {
    /** Milliseconds of whole calls. */
    val call = Timings(capacity)

    /** Milliseconds of the runtime in them. */
    val run = Timings(capacity)

    /** Milliseconds of reading logits and states back. */
    val readBack = Timings(capacity)

    /** Measures a call and returns its milliseconds. */
    fun add(
        model: RunningModel,
        frames: ByteBuffer,
    ): Double {
        val before = clock()
        model.run(frames)
        val took = (clock() - before) / MILLISECOND
        call.add(took)
        run.add(model.runNanos / MILLISECOND)
        readBack.add(model.readNanos / MILLISECOND)
        return took
    }

    private companion object {
        const val MILLISECOND = 1e6
    }
}
