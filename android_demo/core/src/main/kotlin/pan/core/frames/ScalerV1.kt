package pan.core.frames

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.round

/**
 * Version 1 of resizing, for old bundles: area averaging where a frame shrinks, bilinear
 * interpolation where it grows, in OpenCV's number formats and order.
 */
internal class ScalerV1 : Scaler {
    private var plan: Plan? = null

    override fun scale(
        frame: RgbFrame,
        height: Int,
        width: Int,
    ): RgbFrame {
        if (frame.height == height && frame.width == width) return frame
        val kept = plan?.takeIf { it.fits(frame, height, width) }
        val used = kept ?: planFor(frame, height, width).also { plan = it }
        used.scale(frame)
        return used.result
    }

    private fun planFor(
        frame: RgbFrame,
        height: Int,
        width: Int,
    ): Plan =
        when {
            frame.height * frame.width <= height * width -> Enlarging(frame.height, frame.width, height, width)
            frame.height % height == 0 && frame.width % width == 0 -> Blocks(frame.height, frame.width, height, width)
            else -> Areas(frame.height, frame.width, height, width)
        }
}

private abstract class Plan(
    private val fromHeight: Int,
    private val fromWidth: Int,
    height: Int,
    width: Int,
) {
    val result = RgbFrame(height, width)

    fun fits(
        frame: RgbFrame,
        height: Int,
        width: Int,
    ) = frame.height == fromHeight && frame.width == fromWidth && result.height == height && result.width == width

    abstract fun scale(frame: RgbFrame)
}

/** The mean of blocks of whole pixels. */
private class Blocks(
    fromHeight: Int,
    fromWidth: Int,
    private val height: Int,
    private val width: Int,
) : Plan(fromHeight, fromWidth, height, width) {
    private val down = fromHeight / height
    private val across = fromWidth / width
    private val share = (1.0 / (down * across)).toFloat()

    override fun scale(frame: RgbFrame) {
        var place = 0
        for (row in 0 until height) {
            for (column in 0 until width) {
                for (colour in 0 until RgbFrame.COLOURS) {
                    val sum = sum(frame, row * down, column * across, colour)
                    val mean = if (down == 2 && across == 2) (sum + 2) shr 2 else round(sum.toFloat() * share).toInt()
                    result.bytes[place++] = mean.toByte()
                }
            }
        }
    }

    private fun sum(
        frame: RgbFrame,
        top: Int,
        left: Int,
        colour: Int,
    ): Int {
        var sum = 0
        for (row in top until top + down) {
            for (column in left until left + across) {
                sum += frame.bytes[(row * frame.width + column) * RgbFrame.COLOURS + colour].toInt() and BYTE
            }
        }
        return sum
    }
}

/** The mean over the area of a pixel, in 32-bit floating point: columns first. */
private class Areas(
    fromHeight: Int,
    fromWidth: Int,
    private val height: Int,
    private val width: Int,
) : Plan(fromHeight, fromWidth, height, width) {
    private val columns = Covers(fromWidth, width)
    private val rows = Covers(fromHeight, height)
    private val lines = FloatArray(fromHeight * width * RgbFrame.COLOURS)

    override fun scale(frame: RgbFrame) {
        shrinkRows(frame)
        val stride = width * RgbFrame.COLOURS
        var place = 0
        for (row in 0 until height) {
            for (value in 0 until stride) {
                var total = 0f
                for (tap in rows.ends[row] until rows.ends[row + 1]) {
                    total += lines[rows.place[tap] * stride + value] * rows.weight[tap]
                }
                result.bytes[place++] = round(total).toInt().coerceIn(0, BYTE).toByte()
            }
        }
    }

    private fun shrinkRows(frame: RgbFrame) {
        val pixels = frame.bytes
        var place = 0
        for (row in 0 until frame.height) {
            val start = row * frame.width * RgbFrame.COLOURS
            for (column in 0 until width) {
                for (colour in 0 until RgbFrame.COLOURS) {
                    var total = 0f
                    for (tap in columns.ends[column] until columns.ends[column + 1]) {
                        val pixel = pixels[start + columns.place[tap] * RgbFrame.COLOURS + colour].toInt() and BYTE
                        total += pixel.toFloat() * columns.weight[tap]
                    }
                    lines[place++] = total
                }
            }
        }
    }
}

/** Which source pixels cover each target pixel, and by how much. */
private class Covers(
    source: Int,
    target: Int,
) {
    /** Taps of pixel `i` are those from `ends[i]` to `ends[i + 1]`. */
    val ends = IntArray(target + 1)
    var place = IntArray(0)
        private set
    var weight = FloatArray(0)
        private set

    init {
        val places = ArrayList<Int>()
        val weights = ArrayList<Float>()
        val scale = source.toDouble() / target

        fun add(
            place: Int,
            weight: Double,
        ) {
            places += place
            weights += weight.toFloat()
        }
        for (number in 0 until target) {
            val left = number * scale
            val right = left + scale
            val extent = minOf(scale, source - left)
            val last = minOf(right.toInt(), source - 1)
            val first = minOf(ceil(left).toInt(), last)
            if (first - left > SLIVER) add(first - 1, (first - left) / extent)
            for (whole in first until last) add(whole, 1 / extent)
            if (right - last > SLIVER) add(last, minOf(right - last, 1.0, extent) / extent)
            ends[number + 1] = places.size
        }
        place = places.toIntArray()
        weight = weights.toFloatArray()
    }

    private companion object {
        const val SLIVER = 1e-3
    }
}

/** Bilinear interpolation with weights in whole numbers. */
private class Enlarging(
    fromHeight: Int,
    fromWidth: Int,
    private val height: Int,
    private val width: Int,
) : Plan(fromHeight, fromWidth, height, width) {
    private val columns = Neighbours(fromWidth, width, clamp = true)
    private val rows = Neighbours(fromHeight, height, clamp = false)
    private val lines = IntArray(fromHeight * width * RgbFrame.COLOURS)

    override fun scale(frame: RgbFrame) {
        enlargeRows(frame)
        val stride = width * RgbFrame.COLOURS
        var place = 0
        for (row in 0 until height) {
            val upper = rows.first[row] * stride
            val lower = rows.second[row] * stride
            for (value in 0 until stride) {
                val above = (lines[upper + value] * rows.near[row]) shr 16
                val below = (lines[lower + value] * rows.far[row]) shr 16
                result.bytes[place++] = ((above + below + 2) shr 2).toByte()
            }
        }
    }

    private fun enlargeRows(frame: RgbFrame) {
        val pixels = frame.bytes
        var place = 0
        for (row in 0 until frame.height) {
            val start = row * frame.width * RgbFrame.COLOURS
            for (column in 0 until width) {
                var left = start + columns.first[column] * RgbFrame.COLOURS
                var right = start + columns.second[column] * RgbFrame.COLOURS
                for (colour in 0 until RgbFrame.COLOURS) {
                    val sum =
                        (pixels[left++].toInt() and BYTE) * columns.near[column] +
                            (pixels[right++].toInt() and BYTE) * columns.far[column]
                    lines[place++] = sum shr 4
                }
            }
        }
    }
}

/** For each pixel of a side: the two that it comes from, and their weights in 2048ths. */
private class Neighbours(
    source: Int,
    target: Int,
    clamp: Boolean,
) {
    val first = IntArray(target)
    val second = IntArray(target)
    val near = IntArray(target)
    val far = IntArray(target)

    init {
        val scale = 1 / (target.toDouble() / source)
        for (number in 0 until target) {
            val exact = ((number + 0.5) * scale - 0.5).toFloat()
            val place = floor(exact).toInt()
            // OpenCV keeps the weights beyond the first and last row, but not beyond the columns.
            val share = if (clamp && (place < 0 || place >= source - 1)) 0f else exact - place.toFloat()
            far[number] = round(share * STEPS).toInt()
            near[number] = round((1f - share) * STEPS).toInt()
            first[number] = place.coerceIn(0, source - 1)
            second[number] = (place + 1).coerceIn(0, source - 1)
        }
    }

    private companion object {
        const val STEPS = 2048f
    }
}

private const val BYTE = 255
