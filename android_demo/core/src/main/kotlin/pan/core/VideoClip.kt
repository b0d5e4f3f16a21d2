package pan.core

import pan.core.bundle.InputSpec
import pan.core.engine.RunningModel
import pan.core.frames.FramePreparation
import pan.core.frames.YuvPicture
import pan.core.sampling.WholeVideo
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The clip of a whole video, as `pan-keras evaluate` takes it: the middle of each segment.
 *
 * ```
 * val clip = VideoClip(bundle.input, frameCount)
 * // for each decoded picture, in the order of display:
 * if (clip.wants(number)) clip.put(number, picture)
 * val logits = clip.recognise(running)
 * ```
 *
 * @param input Clips of the bundle.
 * @param frameCount Frames of the video, as a player shows them.
 */
class VideoClip(
    private val input: InputSpec,
    frameCount: Int,
) {
    private val numbers = WholeVideo.frames(frameCount, input)
    private val missing = numbers.toHashSet()
    private val preparation = FramePreparation(input)
    private val frames = ByteBuffer.allocateDirect(input.clipBytes).order(ByteOrder.nativeOrder())

    /** Number of the last frame that it needs, from 0; frames behind it need not be decoded. */
    val last: Int = numbers.last()

    /** Whether all frames are there. */
    val isComplete: Boolean get() = missing.isEmpty()

    /** Whether it needs a frame, counted from 0. */
    fun wants(number: Int): Boolean = number in missing

    /** Adds a frame that it [wants]. */
    fun put(
        number: Int,
        picture: YuvPicture,
    ) {
        require(missing.remove(number)) { "frame $number is not needed" }
        val first = numbers.indexOf(number)
        frames.clear()
        frames.position(first * input.frameBytes)
        preparation.prepare(picture, frames)
        for (place in first + 1 until numbers.size) {
            if (numbers[place] == number) repeat(first, place)
        }
    }

    /**
     * Answers for the clip; a streaming model steps through its segments from zero states.
     *
     * @return Logits, in the order of the labels.
     * @throws pan.core.engine.EngineException If the model fails.
     */
    fun recognise(running: RunningModel): FloatArray {
        check(isComplete) { "${missing.size} frames are missing" }
        running.reset()
        for (start in 0 until input.clipBytes step running.frameBytes) {
            frames.clear()
            frames.position(start)
            frames.limit(start + running.frameBytes)
            running.run(frames)
        }
        return running.logits
    }

    private fun repeat(
        from: Int,
        to: Int,
    ) {
        frames.clear()
        val copy = frames.duplicate()
        copy.position(from * input.frameBytes)
        copy.limit((from + 1) * input.frameBytes)
        frames.position(to * input.frameBytes)
        frames.put(copy)
    }
}
