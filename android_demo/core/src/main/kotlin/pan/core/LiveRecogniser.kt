package pan.core

import pan.core.answer.Confidence
import pan.core.answer.Smoothing
import pan.core.answer.Timings
import pan.core.bundle.Bundle
import pan.core.engine.RunningModel
import pan.core.frames.FramePreparation
import pan.core.frames.YuvPicture
import pan.core.sampling.LiveWindow
import pan.core.sampling.SegmentListener
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Recognises actions in the pictures of a camera.
 *
 * It keeps to the frame rate and the stride of training. A streaming model answers after each
 * segment; a clip model for the last N segments, whenever one is new. Nothing is allocated per
 * picture. Used from one thread.
 *
 * ```
 * val live = LiveRecogniser(bundle, RunningModel(engine))
 * // for each picture of the camera:
 * if (live.watch(picture, seconds)) show(live.probabilities)
 * ```
 *
 * @param bundle The bundle of the model.
 * @param running The model.
 * @param confidence Temperature and threshold; those of the bundle unless given.
 * @param smoothedSteps Over how many answers probabilities are averaged.
 */
class LiveRecogniser(
    bundle: Bundle,
    private val running: RunningModel,
    private val confidence: Confidence = bundle.confidence,
    smoothedSteps: Int = 1,
) {
    /** Probabilities of the classes, smoothed; all zero before the first answer. */
    val probabilities: DoubleArray get() = smoothing.mean

    /** Whether no class is probable enough in [probabilities]. */
    val isUnknown: Boolean get() = confidence.isUnknown(probabilities)

    /** How many answers there were since the last [reset]. */
    var answers: Int = 0
        private set

    /** Milliseconds from a picture to a frame of the model. */
    val preprocessTimes: Timings = Timings(KEPT)

    /** Milliseconds of a call of the model. */
    val runTimes: Timings = Timings(KEPT)

    /** Milliseconds of reading logits and states back. */
    val readTimes: Timings = Timings(KEPT)

    private val preparation = FramePreparation(bundle.input)
    private val window = LiveWindow(bundle.sampling, bundle.input)
    private val smoothing = Smoothing(smoothedSteps, bundle.labels.size)
    private val newest = DoubleArray(bundle.labels.size)
    private val frame = direct(bundle.input.frameBytes)
    private val clip = direct(if (running.model.streaming) 0 else bundle.input.clipBytes)
    private val step =
        SegmentListener { frames, _, isFirst ->
            if (isFirst) forget()
            if (running.model.streaming) answer(frames)
        }

    /**
     * Takes the next picture.
     *
     * @param picture A picture of any size; the caller may reuse it after this call.
     * @param time Seconds, of any clock, at which it was taken.
     * @return Whether there is a new answer.
     * @throws pan.core.engine.EngineException If the model fails.
     */
    fun watch(
        picture: YuvPicture,
        time: Double,
    ): Boolean {
        if (window.ignores(time)) return false
        val before = answers
        val start = System.nanoTime()
        frame.clear()
        preparation.prepare(picture, frame)
        frame.flip()
        preprocessTimes.add((System.nanoTime() - start) / NANOS)
        val segments = window.push(frame, time, step)
        if (segments > 0 && !running.model.streaming && window.isFull) {
            window.readClip(clip)
            answer(clip)
        }
        return answers > before
    }

    /** Forgets all pictures and answers: the next picture is the first. */
    fun reset() {
        window.reset()
        forget()
        answers = 0
    }

    private fun forget() {
        running.reset()
        smoothing.reset()
    }

    private fun answer(frames: ByteBuffer) {
        confidence.probabilities(running.run(frames), newest)
        smoothing.add(newest)
        runTimes.add(running.runNanos / NANOS)
        readTimes.add(running.readNanos / NANOS)
        answers++
    }

    private fun direct(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

    private companion object {
        const val KEPT = 100
        const val NANOS = 1e6
    }
}
