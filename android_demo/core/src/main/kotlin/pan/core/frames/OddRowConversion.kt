package pan.core.frames

/**
 * Converts the rows of pictures with an odd number of rows, for which libswscale has other arithmetic.
 *
 * It interpolates chroma between rows, and between columns where their number is odd too or chroma stands at the left.
 * Pictures with an odd number of both have the matrix applied to the interpolated values; in others these are rounded
 * to 8 bits first, and tables add to luma before it is scaled. Nothing is allocated per picture of the same size.
 */
internal class OddRowConversion {
    private val u = ChromaLines()
    private val v = ChromaLines()
    private var rows = ChromaTaps(1, 1, CENTRE, ROW_ONE)
    private var columns = ChromaTaps(1, 1, CENTRE, COLUMN_ONE)
    private var matrix: ColourMatrix? = null
    private var fullRange = false

    // What a U or V adds to the place of a luma in its scale.
    private val red = IntArray(VALUES)
    private val greenU = IntArray(VALUES)
    private val greenV = IntArray(VALUES)
    private val blue = IntArray(VALUES)
    private var scale = 0
    private var black = 0
    private var start = 0

    /** Gets ready for the rows of a picture. */
    fun begin(picture: YuvPicture) {
        val wide = (picture.width + 1) / 2
        val across = if (isOdd(picture.width)) picture.width else wide
        val position = if (picture.chromaAtLeft) LEFT else CENTRE
        if (!rows.are((picture.height + 1) / 2, picture.height, CENTRE)) {
            rows = ChromaTaps((picture.height + 1) / 2, picture.height, CENTRE, ROW_ONE)
        }
        if (!columns.are(wide, across, position)) columns = ChromaTaps(wide, across, position, COLUMN_ONE)
        u.begin(picture.u, columns)
        v.begin(picture.v, columns)
        if (matrix == picture.matrix && fullRange == picture.fullRange) return
        matrix = picture.matrix
        fullRange = picture.fullRange
        fillTables(picture.matrix, picture.fullRange)
    }

    /**
     * Converts a row.
     *
     * @param row Its number; those before it may be left out.
     * @param luma Its luma.
     * @param pixels Receives the colours of the first pixel at [first], those of the next ones [across] further each.
     */
    fun convert(
        picture: YuvPicture,
        row: Int,
        luma: ByteArray,
        pixels: ByteArray,
        first: Int,
        across: Int,
    ) {
        val one = rows.first[row]
        val other = rows.second[row]
        val share = rows.share[row]
        val upperU = u.line(one)
        val lowerU = u.line(other)
        val upperV = v.line(one)
        val lowerV = v.line(other)
        val odd = isOdd(picture.width)
        var place = first
        for (column in 0 until picture.width) {
            val chroma = if (odd) column else column shr 1
            val blueness = upperU[chroma] * (ROW_ONE - share) + lowerU[chroma] * share
            val redness = upperV[chroma] * (ROW_ONE - share) + lowerV[chroma] * share
            val y = luma[column].toInt() and BYTE
            if (odd) exact(y, blueness, redness, pixels, place) else byTables(y, blueness, redness, pixels, place)
            place += across
        }
    }

    private fun exact(
        y: Int,
        sumU: Int,
        sumV: Int,
        pixels: ByteArray,
        place: Int,
    ) {
        val colours = checkNotNull(matrix)
        val u = (sumU - (MIDDLE shl SUM_BITS)) shr 10
        val v = (sumV - (MIDDLE shl SUM_BITS)) shr 10
        // The brightest blues exceed 31 bits and become 0, as in libswscale.
        val base = ((y shl 9) - (black shl 9)) * factor(scale) + (1 shl 21)
        pixels[place] = shown(base + v * factor(ranged(colours.crv)))
        pixels[place + 1] = shown(base + v * factor(-ranged(colours.cgv)) + u * factor(-ranged(colours.cgu)))
        pixels[place + 2] = shown(base + u * factor(ranged(colours.cbu)))
    }

    private fun byTables(
        y: Int,
        sumU: Int,
        sumV: Int,
        pixels: ByteArray,
        place: Int,
    ) {
        val u = (sumU + (1 shl (SUM_BITS - 1))) shr SUM_BITS
        val v = (sumV + (1 shl (SUM_BITS - 1))) shr SUM_BITS
        val base = start + y
        pixels[place] = scaled(base + red[v])
        pixels[place + 1] = scaled(base + greenU[u] + greenV[v])
        pixels[place + 2] = scaled(base + blue[u])
    }

    private fun fillTables(
        colours: ColourMatrix,
        full: Boolean,
    ) {
        scale = if (full) ONE else ONE * 255 / 219
        black = if (full) 0 else 16
        start = if (full) 384 else 326
        fill(red, ranged(colours.crv))
        fill(greenU, -ranged(colours.cgu))
        fill(greenV, -ranged(colours.cgv))
        fill(blue, ranged(colours.cbu))
    }

    private fun fill(
        table: IntArray,
        coefficient: Int,
    ) {
        val step = ((coefficient.toLong() * ONE + ONE / 2) / scale).toInt()
        for (value in 0 until VALUES) table[value] = ((value * step) shr 16) - (step shr 9)
    }

    private fun ranged(coefficient: Int) = if (fullRange) coefficient * 224 / 255 else coefficient

    private fun factor(coefficient: Int) = (coefficient * 8192 + 32768) shr 16

    private fun shown(value: Int): Byte = (minOf(maxOf(value, 0), (1 shl 30) - 1) shr 22).toByte()

    private fun scaled(place: Int): Byte {
        val value = (place * scale - ((384 + black) shl 16) + ONE / 2) shr 16
        return minOf(maxOf(value, 0), BYTE).toByte()
    }

    private companion object {
        const val VALUES = 256
        const val BYTE = 255
        const val ONE = 65536

        // The value of no colour in the 15 bits of interpolated chroma, and the bits that a sum has beyond 8.
        const val MIDDLE = 128
        const val SUM_BITS = 19
        const val ROW_ONE = 4096
        const val COLUMN_ONE = 16384

        // Of chroma, in 256ths of its two columns or rows.
        const val CENTRE = 128
        const val LEFT = 64

        fun isOdd(side: Int) = side % 2 != 0
    }
}

/** Between which two samples each wanted one is, and which share of [one] the second of them has. */
private class ChromaTaps(
    private val source: Int,
    private val target: Int,
    private val position: Int,
    one: Int,
) {
    val first = IntArray(target)
    val second = IntArray(target)
    val share = IntArray(target)

    init {
        val step = ((source shl 16) + target / 2) / target
        for (place in 0 until target) {
            // 17 bits of fraction.
            val exact = maxOf(0L, step - position * 512L + 2L * step * place)
            val left = (exact shr 17).toInt()
            val rest = (exact and (UNIT - 1L)).toInt()
            if (source < FEWEST) {
                // Too few samples to interpolate: the nearest.
                first[place] = minOf(if (2 * rest < UNIT) left else left + 1, source - 1)
                second[place] = first[place]
            } else {
                first[place] = minOf(left, source - 1)
                second[place] = minOf(left + 1, source - 1)
                // A share below 0.002 is left out if it is that of the first.
                val small = UNIT - rest <= UNIT * 2 / 1000
                share[place] = if (small) one else one - ((UNIT - rest).toLong() * one + UNIT / 2 shr 17).toInt()
            }
        }
    }

    fun are(
        source: Int,
        target: Int,
        position: Int,
    ) = this.source == source && this.target == target && this.position == position

    private companion object {
        const val UNIT = 1 shl 17
        const val FEWEST = 4
    }
}

/** The two newest lines of a plane of chroma, interpolated between columns: 15 bits a sample. */
private class ChromaLines {
    private val lines = Array(2) { IntArray(0) }
    private val numbers = IntArray(2)
    private var samples = ByteArray(0)
    private var plane: Plane? = null
    private var columns: ChromaTaps? = null

    fun begin(
        plane: Plane,
        columns: ChromaTaps,
    ) {
        this.plane = plane
        this.columns = columns
        numbers.fill(-1)
    }

    fun line(number: Int): IntArray {
        val place = number % 2
        if (numbers[place] != number) {
            read(number, place)
            numbers[place] = number
        }
        return lines[place]
    }

    private fun read(
        number: Int,
        place: Int,
    ) {
        val source = checkNotNull(plane)
        val taps = checkNotNull(columns)
        val count = taps.second.last() + 1
        if (samples.size < count * source.pixelStride) samples = ByteArray(count * source.pixelStride)
        if (lines[place].size < taps.first.size) lines[place] = IntArray(taps.first.size)
        source.read(number, count, samples)
        val line = lines[place]
        for (column in taps.first.indices) {
            val left = samples[taps.first[column] * source.pixelStride].toInt() and 255
            val right = samples[taps.second[column] * source.pixelStride].toInt() and 255
            line[column] = (left * (16384 - taps.share[column]) + right * taps.share[column]) shr 7
        }
    }
}
