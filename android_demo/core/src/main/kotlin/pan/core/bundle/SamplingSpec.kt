package pan.core.bundle

/**
 * Which frames of a video a clip is made of: `sampling` of `model.json`.
 *
 * Numbers of frames are counted at [frameRate].
 *
 * @property frameRate Frames per second of the training videos; null where every frame of a source counts.
 * @property stride Frames from the start of one segment to that of the next; not always whole.
 * @property windowFrames Frames that the segments of a clip are spread over.
 * @property early By how many frames a live frame may be early and still count.
 * @property late By how many frames a live frame is late when the frame before it is repeated.
 */
data class SamplingSpec(
    val frameRate: Double?,
    val stride: Double,
    val windowFrames: Double,
    val early: Double,
    val late: Double,
) {
    /** Seconds that the segments of a clip are spread over; null without a rate. */
    val windowSeconds: Double? get() = frameRate?.let { windowFrames / it }

    companion object {
        // What earlier schema versions said in a sentence in place of numbers.
        private const val EARLY = 0.25
        private const val LATE = 0.875
        private const val FIRST_WITH_NUMBERS = 3

        internal fun read(
            facts: Facts,
            version: Int,
            input: InputSpec,
        ): SamplingSpec {
            val rate = if (facts.has("frame_rate")) facts.positive("frame_rate") else null
            val live = facts.part("live")
            val stride = live.positive("stride")
            if (version < FIRST_WITH_NUMBERS) {
                return SamplingSpec(rate, stride, input.segments * stride + input.stack - 1, EARLY, LATE)
            }
            facts.oneOf("method", setOf("middle-of-segments"))
            return SamplingSpec(
                rate,
                stride,
                live.positive("window_frames"),
                live.positive("early"),
                live.positive("late"),
            )
        }
    }
}
