package pan.demo.benchmark

import pan.core.answer.Timings
import pan.core.engine.RunningModel
import java.nio.ByteBuffer

/**
 * Milliseconds of the calls of a model.
 *
 * @param capacity how many calls are kept
 * @param clock nanoseconds
 */
class CallTimes(
    capacity: Int,
    private val clock: () -> Long,
) {
    /** Of a whole call. */
    val call = Timings(capacity)

    /** Of the runtime in it. */
    val run = Timings(capacity)

    /** Of reading logits and states back. */
    val readBack = Timings(capacity)

    /** Measures a call. @return its milliseconds */
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
