package pan.core.sampling

import pan.core.bundle.InputSpec
import kotlin.math.floor

/** Chooses the frames of a whole video that make its clip: the middle of each of N equal segments. */
object WholeVideo {
    /**
     * Numbers of the frames of a clip, the frames of a segment together.
     *
     * A segment that runs past the end repeats the last frame.
     *
     * ```
     * WholeVideo.frames(40, segments = 4, stack = 2)    // [4, 5, 14, 15, 24, 25, 34, 35]
     * ```
     *
     * @param count Frames of the video, as a player shows them.
     * @param segments N.
     * @param stack M.
     * @return N * m numbers, from 0.
     */
    fun frames(
        count: Int,
        segments: Int,
        stack: Int,
    ): IntArray {
        require(count > 0) { "a video of $count frames" }
        val tick = (count - stack + 1).toDouble() / segments
        return IntArray(segments * stack) { place ->
            val start = maxOf(0, floor(tick / 2 + tick * (place / stack)).toInt())
            minOf(start + place % stack, count - 1)
        }
    }

    /** Does the same for the clips of a bundle. */
    fun frames(
        count: Int,
        input: InputSpec,
    ): IntArray = frames(count, input.segments, input.stack)
}
