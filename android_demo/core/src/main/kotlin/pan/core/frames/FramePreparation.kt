package pan.core.frames

import pan.core.bundle.Fit
import pan.core.bundle.InputSpec
import java.nio.ByteBuffer
import kotlin.math.round

/**
 * Brings frames of any size to the size of a model, as `pan-keras evaluate` does.
 *
 * Nothing is allocated for a picture of the same size as the one before. Used from one thread.
 *
 * ```
 * val preparation = FramePreparation(bundle.input)
 * preparation.prepare(picture, target)    // uint8 (H, W, 3)
 * ```
 *
 * @param input Size and fit that the bundle says.
 */
class FramePreparation(
    private val input: InputSpec,
) {
    private val conversion = ColourConversion()
    private val picture = RgbFrame()
    private val window = RgbFrame()
    private val framing = Scaler.of(input.resizing)
    private val enlarging = Scaler.of(input.resizing)

    /**
     * Converts, turns and scales a picture.
     *
     * @param source A picture of a camera or decoder.
     * @param target Receives uint8 `(H, W, 3)` at its position, which advances by that.
     */
    fun prepare(
        source: YuvPicture,
        target: ByteBuffer,
    ) {
        conversion.convert(source, picture)
        prepare(picture, target)
    }

    /** Scales an upright RGB frame. */
    fun prepare(
        frame: RgbFrame,
        target: ByteBuffer,
    ) {
        when (input.fit) {
            Fit.SQUASH -> put(framing.scale(frame, input.height, input.width), target)
            Fit.LETTERBOX -> letterbox(frame, target)
            Fit.CROP -> crop(frame, target)
        }
    }

    private fun put(
        frame: RgbFrame,
        target: ByteBuffer,
    ) {
        target.put(frame.bytes, 0, input.frameBytes)
    }

    private fun letterbox(
        frame: RgbFrame,
        target: ByteBuffer,
    ) {
        val byHeight = input.height.toLong() * frame.width <= input.width.toLong() * frame.height
        val height = if (byHeight) input.height else maxOf(1, scaled(frame.height, input.width, frame.width))
        val width = if (byHeight) maxOf(1, scaled(frame.width, input.height, frame.height)) else input.width
        val inside = framing.scale(frame, height, width)
        val top = (input.height - height) / 2
        val left = (input.width - width) / 2
        window.resize(input.height, input.width)
        window.bytes.fill(0)
        val bytes = width * RgbFrame.COLOURS
        for (row in 0 until height) {
            val place = ((top + row) * input.width + left) * RgbFrame.COLOURS
            System.arraycopy(inside.bytes, row * bytes, window.bytes, place, bytes)
        }
        put(window, target)
    }

    private fun crop(
        frame: RgbFrame,
        target: ByteBuffer,
    ) {
        val short = minOf(frame.height, frame.width)
        val framed =
            framing.scale(frame, scaled(frame.height, input.resize, short), scaled(frame.width, input.resize, short))
        var height = input.height
        var width = input.width
        if (height > framed.height || width > framed.width) {
            // A frame that is too small for the crop: less is cut out, and enlarged.
            val byHeight = framed.height.toLong() * width <= framed.width.toLong() * height
            val rows = if (byHeight) framed.height else maxOf(1, scaled(height, framed.width, width))
            val columns = if (byHeight) maxOf(1, scaled(width, framed.height, height)) else framed.width
            height = rows
            width = columns
        }
        cut(framed, middle(framed.height - height), middle(framed.width - width), height, width)
        put(enlarging.scale(window, input.height, input.width), target)
    }

    private fun cut(
        frame: RgbFrame,
        top: Int,
        left: Int,
        height: Int,
        width: Int,
    ) {
        window.resize(height, width)
        val bytes = width * RgbFrame.COLOURS
        for (row in 0 until height) {
            val place = ((top + row) * frame.width + left) * RgbFrame.COLOURS
            System.arraycopy(frame.bytes, place, window.bytes, row * bytes, bytes)
        }
    }

    /** `side * wanted / other`, rounded down. */
    private fun scaled(
        side: Int,
        wanted: Int,
        other: Int,
    ) = (side.toLong() * wanted / other).toInt()

    /** Half of a margin, half to even. */
    private fun middle(margin: Int) = round(margin / 2.0).toInt()
}
