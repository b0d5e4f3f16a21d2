package pan.demo.live

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Hands the newest frames from the thread that makes them to the one that runs the model.
 *
 * There is room for one: what was not taken in time is replaced, so that no queue can grow.
 *
 * @param bytes Size of the frames of one call of the model.
 */
class Newest(
    bytes: Int,
) {
    private var waiting = buffer(bytes)
    private var taken = buffer(bytes)
    private var isWaiting = false
    private var isFirst = false

    /** How many were replaced before they were taken. */
    var replaced = 0
        private set

    /**
     * Puts frames in place of those that wait, if any.
     *
     * @param first Whether nothing before belongs to them; it is kept if they are replaced.
     * @param fill Writes the frames into the buffer; position and limit are set afterwards.
     * @return Whether nothing was waiting: the taker is to be woken.
     */
    @Synchronized
    fun put(
        first: Boolean,
        fill: (ByteBuffer) -> Unit,
    ): Boolean {
        waiting.clear()
        fill(waiting)
        waiting.rewind()
        isFirst = first || (isFirst && isWaiting)
        val wake = !isWaiting
        if (!wake) replaced++
        isWaiting = true
        return wake
    }

    /**
     * Takes the frames that wait.
     *
     * @return A buffer that stays as it is until the next call; null if none wait.
     */
    @Synchronized
    fun take(): ByteBuffer? {
        if (!isWaiting) return null
        val frames = waiting
        waiting = taken
        taken = frames
        isWaiting = false
        takenFirst = isFirst
        isFirst = false
        return frames
    }

    /** Whether nothing before belongs to the frames that were taken last. */
    var takenFirst = false
        private set

    private companion object {
        fun buffer(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
    }
}
