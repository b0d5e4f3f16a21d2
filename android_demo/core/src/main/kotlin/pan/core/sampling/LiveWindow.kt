package pan.core.sampling

import pan.core.bundle.InputSpec
import pan.core.bundle.SamplingSpec
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.floor

/** Receives the segments that a [LiveWindow] cuts. */
fun interface SegmentListener {
    /**
     * A segment is complete.
     *
     * @param frames Its m frames, uint8 `(m, H, W, 3)`; the buffer is reused after this call.
     * @param number How many segments came before.
     * @param isFirst Whether nothing before belongs to it: forget the states of a stream.
     */
    fun onSegment(
        frames: ByteBuffer,
        number: Int,
        isFirst: Boolean,
    )
}

/**
 * Cuts segments out of frames that come one at a time, as training cuts them out of clips.
 *
 * Frames are brought to the rate of training: one that comes too early is left out, and one that
 * is missing is replaced by the one before it. Segment `i` starts at frame
 * `floor(stride / 2 + stride * i)`. A clock that is set back goes on from the frame before; after a
 * silence longer than a clip all starts anew. Nothing is allocated per frame.
 *
 * ```
 * val window = LiveWindow(bundle.sampling, segments = 8, stack = 3, bundle.input.frameBytes)
 * window.push(frame, seconds) { segment, number, isFirst -> ... }
 * if (window.isFull) window.readClip(clip)
 * ```
 *
 * @param sampling Rate and stride.
 * @param segments Segments of a clip, N.
 * @param stack Adjacent frames of a segment, m.
 * @param frameBytes Bytes of a frame.
 */
class LiveWindow(
    private val sampling: SamplingSpec,
    private val segments: Int,
    private val stack: Int,
    private val frameBytes: Int,
) {
    constructor(sampling: SamplingSpec, input: InputSpec) :
        this(sampling, input.segments, input.stack, input.frameBytes)

    /** How many frames counted since the last [reset]. */
    var count: Int = 0
        private set

    /** How many segments were cut since the last [reset]. */
    var number: Int = 0
        private set

    private val rate: Double = sampling.frameRate ?: 0.0
    private val segmentBytes = stack * frameBytes
    private val newest = direct(frameBytes)

    // The frame that comes in at place p of a ring stands at p and at p + stack: so the last
    // frames are always together, in order.
    private val recent = direct(2 * segmentBytes)

    // Segments in a ring, the same way.
    private val clips = direct(segments * segmentBytes)

    private var base = 0
    private var found = 0 // segments since `base`
    private var first = 0.0 // time at which the counting starts
    private var last = Double.NaN // time of the newest frame; NaN where there is none

    /** Whether there were N segments since the source began or was silent. */
    val isFull: Boolean get() = found >= segments

    /**
     * Takes the next frame.
     *
     * @param frame Uint8 `(H, W, 3)` from its position to its limit; both stay.
     * @param time Seconds, of any clock, at which it was taken.
     * @param listener Receives the segments that it completes, in their order.
     * @return How many they are: mostly none or one; more where frames were missing.
     */
    fun push(
        frame: ByteBuffer,
        time: Double,
        listener: SegmentListener,
    ): Int {
        require(frame.remaining() == frameBytes) { "${frame.remaining()} bytes of a frame of $frameBytes" }
        require(!time.isNaN() && !time.isInfinite()) { "a frame was taken at $time" }
        val before = number
        if (sampling.frameRate == null) {
            append(frame, listener)
            return number - before
        }
        startAnew(time)
        while (position(time) >= count + sampling.late) append(newest, listener)
        val counts = position(time) >= count - sampling.early
        if (counts) append(frame, listener)
        // One that is out of order is not the newest.
        if (counts || !(time < last)) {
            last = time
            copy(frame, newest, 0)
        }
        return number - before
    }

    /** Whether [push] has no use for a frame of that time: it is out of order. Then it need not be prepared. */
    fun ignores(time: Double): Boolean =
        sampling.frameRate != null &&
            time < last &&
            time >= last - 1 / rate &&
            position(time) < count - sampling.early

    /**
     * Copies the last N segments.
     *
     * @param target Gets uint8 `(N * m, H, W, 3)` from position 0; position 0 and limit are those
     *   of the clip then.
     */
    fun readClip(target: ByteBuffer) {
        check(isFull) { "there are not as many segments yet" }
        val oldest = found % segments
        target.clear()
        clips.limit(clips.capacity())
        clips.position(oldest * segmentBytes)
        target.put(clips)
        clips.position(0)
        clips.limit(oldest * segmentBytes)
        target.put(clips)
        target.flip()
    }

    /** Forgets all frames: the next is the first. */
    fun reset() {
        count = 0
        number = 0
        begin()
    }

    private fun startAnew(time: Double) {
        if (last.isNaN() || time < last - 1 / rate) {
            // The first frame, or the clock was set back.
            first = time - (count - base) / rate
        } else if (position(time) - count > sampling.windowFrames) {
            begin()
            first = time
        }
    }

    private fun begin() {
        base = count
        found = 0
        first = 0.0
        last = Double.NaN
    }

    private fun position(time: Double) = (time - first) * rate + base

    private fun append(
        frame: ByteBuffer,
        listener: SegmentListener,
    ) {
        val place = count % stack
        copy(frame, recent, place * frameBytes)
        copy(frame, recent, (place + stack) * frameBytes)
        count++
        while (start() + stack == count) {
            recent.limit((place + stack + 1) * frameBytes)
            recent.position((place + 1) * frameBytes)
            copy(recent, clips, found % segments * segmentBytes)
            val isFirst = found == 0
            found++
            listener.onSegment(recent, number++, isFirst)
        }
        recent.clear()
    }

    private fun start() = base + floor(sampling.stride / 2 + sampling.stride * found).toInt()

    private fun copy(
        source: ByteBuffer,
        target: ByteBuffer,
        place: Int,
    ) {
        val start = source.position()
        target.clear()
        target.position(place)
        target.put(source)
        target.clear()
        source.position(start)
    }

    private fun direct(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
}
