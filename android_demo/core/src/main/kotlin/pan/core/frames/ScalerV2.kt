package pan.core.frames

import kotlin.math.floor
import kotlin.math.round

/**
 * Version 2 of resizing: bilinear interpolation in whole numbers, in steps.
 *
 * A side of at least twice the length wanted is halved until it is less than that; one that is
 * still too long is enlarged to twice the length wanted and halved. Nothing is allocated for a
 * frame of the same size as the one before.
 */
internal class ScalerV2 : Scaler {
    private var steps = emptyArray<Step>()
    private var source = 0L
    private var target = 0L

    override fun scale(
        frame: RgbFrame,
        height: Int,
        width: Int,
    ): RgbFrame {
        val from = size(frame.height, frame.width)
        val to = size(height, width)
        if (from == to) return frame
        if (from != source || to != target) {
            steps = plan(frame.height, frame.width, height, width)
            source = from
            target = to
        }
        var scaled = frame
        for (step in steps) scaled = step.scale(scaled)
        return scaled
    }

    private fun size(
        height: Int,
        width: Int,
    ) = height.toLong() shl Int.SIZE_BITS or width.toLong()

    private fun plan(
        frameHeight: Int,
        frameWidth: Int,
        height: Int,
        width: Int,
    ): Array<Step> {
        val found = ArrayList<Step>()
        var h = frameHeight
        var w = frameWidth

        fun add(
            nextHeight: Int,
            nextWidth: Int,
        ) {
            found += Step(h, w, nextHeight, nextWidth)
            h = nextHeight
            w = nextWidth
        }
        while (h >= 2 * height || w >= 2 * width) {
            add(if (h >= 2 * height) h / 2 else h, if (w >= 2 * width) w / 2 else w)
        }
        if (h > height || w > width) add(if (h > height) 2 * height else height, if (w > width) 2 * width else width)
        if (h != height || w != width) add(height, width)
        return found.toTypedArray()
    }
}

/** One bilinear interpolation, without an odd last row or column where a side is halved. */
private class Step(
    fromHeight: Int,
    fromWidth: Int,
    private val height: Int,
    private val width: Int,
) {
    private val result = RgbFrame(height, width)
    private val halves = fromHeight >= 2 * height && fromWidth >= 2 * width
    private val rows = Taps(minOf(fromHeight, 2 * height), height)
    private val columns = Taps(minOf(fromWidth, 2 * width), width)
    private var upper = IntArray(width * RgbFrame.COLOURS)
    private var lower = IntArray(width * RgbFrame.COLOURS)
    private var upperRow = NONE
    private var lowerRow = NONE

    fun scale(frame: RgbFrame): RgbFrame {
        if (halves) halve(frame) else interpolate(frame)
        return result
    }

    private fun halve(frame: RgbFrame) {
        val pixels = frame.bytes
        val stride = frame.width * RgbFrame.COLOURS
        val found = result.bytes
        var place = 0
        for (row in 0 until height) {
            var above = 2 * row * stride
            for (column in 0 until width) {
                repeat(RgbFrame.COLOURS) {
                    val next = above + RgbFrame.COLOURS
                    val sum =
                        (pixels[above].toInt() and BYTE) + (pixels[next].toInt() and BYTE) +
                            (pixels[above + stride].toInt() and BYTE) + (pixels[next + stride].toInt() and BYTE)
                    found[place++] = ((sum + 2) shr 2).toByte()
                    above++
                }
                above += RgbFrame.COLOURS
            }
        }
    }

    private fun interpolate(frame: RgbFrame) {
        upperRow = NONE
        lowerRow = NONE
        val found = result.bytes
        var place = 0
        for (row in 0 until height) {
            readLines(frame, rows.first[row], rows.second[row])
            val far = rows.share[row]
            val near = ONE - far
            for (value in upper.indices) {
                found[place++] = ((upper[value] * near + lower[value] * far + HALF) shr 16).toByte()
            }
        }
    }

    /** Two rows of the frame, scaled along their length; most are there from the row before. */
    private fun readLines(
        frame: RgbFrame,
        first: Int,
        second: Int,
    ) {
        if (first == lowerRow && first != upperRow) {
            val line = upper
            upper = lower
            lower = line
            lowerRow = upperRow
            upperRow = first
        }
        if (first != upperRow) {
            readLine(frame, first, upper)
            upperRow = first
        }
        if (second != lowerRow) {
            readLine(frame, second, lower)
            lowerRow = second
        }
    }

    private fun readLine(
        frame: RgbFrame,
        row: Int,
        line: IntArray,
    ) {
        val pixels = frame.bytes
        val start = row * frame.width * RgbFrame.COLOURS
        var place = 0
        for (column in 0 until width) {
            var left = start + columns.first[column] * RgbFrame.COLOURS
            var right = start + columns.second[column] * RgbFrame.COLOURS
            val far = columns.share[column]
            val near = ONE - far
            repeat(RgbFrame.COLOURS) {
                line[place++] = (pixels[left++].toInt() and BYTE) * near + (pixels[right++].toInt() and BYTE) * far
            }
        }
    }

    private companion object {
        const val BYTE = 255
        const val ONE = 256
        const val HALF = 32768
        const val NONE = -1
    }
}

/** For each pixel of a side: the two that it comes from, and 256ths of the second. */
private class Taps(
    source: Int,
    target: Int,
) {
    val first = IntArray(target)
    val second = IntArray(target)
    val share = IntArray(target)

    init {
        for (place in 0 until target) {
            val exact = (place + 0.5) * (1 / (target.toDouble() / source)) - 0.5
            val below = floor(exact)
            // Half to even, as in NumPy.
            share[place] = if (below < 0 || below >= source - 1) 0 else round((exact - below) * ONE).toInt()
            first[place] = below.toInt().coerceIn(0, source - 1)
            second[place] = minOf(first[place] + 1, source - 1)
        }
    }

    private companion object {
        const val ONE = 256
    }
}
