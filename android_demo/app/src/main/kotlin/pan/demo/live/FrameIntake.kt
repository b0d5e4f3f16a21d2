package pan.demo.live

import pan.core.bundle.Bundle
import pan.core.bundle.Fit
import pan.core.bundle.ModelFile
import pan.core.frames.FramePreparation
import pan.core.frames.YuvPicture
import pan.core.sampling.LiveWindow
import pan.core.sampling.SegmentListener
import pan.demo.Region
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Turns pictures of the camera into the frames of a call of the model, on the thread of the camera.
 *
 * Nothing is allocated for a picture.
 *
 * @param model Streaming: each segment is handed on; otherwise the last N, whenever there is a new one.
 * @param wake The taker of [newest].
 */
class FrameIntake(
    bundle: Bundle,
    private val model: ModelFile,
    private val wake: () -> Unit,
) {
    /** The frames that the model is to run on next. */
    val newest = Newest(if (model.streaming) bundle.input.segmentBytes else bundle.input.clipBytes)

    /** Rate of the pictures of the camera. */
    val rate = Rate()

    /** Nanoseconds that it took to prepare the newest picture. */
    @Volatile
    var preparationNanoseconds = 0L
        private set

    private val input = bundle.input
    private val preparation = FramePreparation(input)
    private val window = LiveWindow(bundle.sampling, input)
    private val frame = ByteBuffer.allocateDirect(input.frameBytes).order(ByteOrder.nativeOrder())
    private var clipIsFirst = true
    private var segment: ByteBuffer = frame

    @Volatile
    private var resets = false

    // Made once: a lambda that captures would be an object per frame.
    private val copySegment = { target: ByteBuffer -> copy(segment, target) }
    private val copyClip = { target: ByteBuffer -> window.readClip(target) }
    private val onSegment =
        SegmentListener { frames, _, isFirst ->
            if (model.streaming) {
                segment = frames
                if (newest.put(isFirst, copySegment)) wake()
            }
        }

    /** Forgets all pictures: the next one is the first. */
    fun reset() {
        resets = true
    }

    /**
     * Takes a picture of the camera.
     *
     * @param picture The picture; the caller may reuse it after this call.
     * @param nanoseconds Time at which it was taken.
     */
    fun take(
        picture: YuvPicture,
        nanoseconds: Long,
    ) {
        if (resets) {
            resets = false
            window.reset()
            clipIsFirst = true
        }
        rate.count(nanoseconds)
        val seconds = nanoseconds / NANOSECONDS
        if (window.ignores(seconds)) return
        val start = System.nanoTime()
        frame.clear()
        preparation.prepare(picture, frame)
        frame.flip()
        preparationNanoseconds = System.nanoTime() - start
        val segments = window.push(frame, seconds, onSegment)
        if (!model.streaming && segments > 0 && window.isFull) {
            if (newest.put(clipIsFirst, copyClip)) wake()
            clipIsFirst = false
        }
    }

    private fun copy(
        source: ByteBuffer,
        target: ByteBuffer,
    ) {
        val start = source.position()
        target.put(source)
        source.position(start)
    }

    companion object {
        private const val NANOSECONDS = 1e9

        /**
         * Which part of an upright picture a model sees.
         */
        fun seen(
            bundle: Bundle,
            width: Int,
            height: Int,
        ): Region {
            val input = bundle.input
            if (input.fit != Fit.CROP) return Region(0f, 0f, 1f, 1f)
            val scale = input.resize.toFloat() / minOf(width, height)
            val across = minOf(1f, input.width / (width * scale))
            val down = minOf(1f, input.height / (height * scale))
            return Region((1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2)
        }
    }
}
