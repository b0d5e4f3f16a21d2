package pan.core.frames

/**
 * YUV to upright RGB in libswscale's arithmetic on x86-64, so that frames are those of
 * `pan-keras evaluate` to the last grey level.
 *
 * Each chroma sample applies to 2 x 2 pixels, but is interpolated in pictures with an odd number of rows. Nothing is
 * allocated per picture of the same size.
 */
class ColourConversion {
    private var luma = ByteArray(0)
    private var chroma = ByteArray(0)
    private var otherChroma = ByteArray(0)
    private val oddRows = OddRowConversion()

    // What a U or V adds to each colour, by its value.
    private val red = IntArray(VALUES)
    private val greenU = IntArray(VALUES)
    private val greenV = IntArray(VALUES)
    private val blue = IntArray(VALUES)
    private val grey = IntArray(VALUES)
    private var matrix: ColourMatrix? = null
    private var fullRange = false

    /**
     * Converts and turns a picture.
     *
     * @param picture Its planes are read; their positions stay.
     * @param frame Receives the size of the upright picture, and its pixels.
     */
    fun convert(
        picture: YuvPicture,
        frame: RgbFrame,
    ) {
        prepare(picture)
        frame.resize(picture.uprightHeight, picture.uprightWidth)
        val width = picture.width
        val height = picture.height
        val stride = frame.width * RgbFrame.COLOURS
        // The upright place of the first pixel, and how far the next one and the next row are.
        val start: Int
        val across: Int
        val down: Int
        when (picture.rotation) {
            0 -> {
                start = 0
                across = RgbFrame.COLOURS
                down = stride
            }

            QUARTER -> {
                start = stride - RgbFrame.COLOURS
                across = stride
                down = -RgbFrame.COLOURS
            }

            2 * QUARTER -> {
                start = stride * height - RgbFrame.COLOURS
                across = -RgbFrame.COLOURS
                down = -stride
            }

            3 * QUARTER -> {
                start = stride * (width - 1)
                across = -stride
                down = RgbFrame.COLOURS
            }

            else -> {
                throw IllegalArgumentException("a picture turned by ${picture.rotation} degrees")
            }
        }
        // Mirrored: each row is written from its other end.
        val first = if (picture.mirrored) start + (width - 1) * across else start
        val step = if (picture.mirrored) -across else across
        val odd = height % 2 != 0
        if (odd) oddRows.begin(picture)
        for (row in 0 until height) {
            picture.y.read(row, width, luma)
            if (odd) {
                oddRows.convert(picture, row, luma, frame.bytes, first + row * down, step)
                continue
            }
            if (row % 2 == 0) {
                picture.u.read(row / 2, (width + 1) / 2, chroma)
                picture.v.read(row / 2, (width + 1) / 2, otherChroma)
            }
            convertRow(frame.bytes, first + row * down, step, width, picture.u.pixelStride, picture.v.pixelStride)
        }
    }

    private fun convertRow(
        pixels: ByteArray,
        start: Int,
        across: Int,
        width: Int,
        strideU: Int,
        strideV: Int,
    ) {
        var place = start
        for (column in 0 until width) {
            val u = chroma[(column shr 1) * strideU].toInt() and BYTE
            val v = otherChroma[(column shr 1) * strideV].toInt() and BYTE
            val base = grey[luma[column].toInt() and BYTE]
            pixels[place] = clamped(base + red[v])
            pixels[place + 1] = clamped(base + greenU[u] + greenV[v])
            pixels[place + 2] = clamped(base + blue[u])
            place += across
        }
    }

    private fun prepare(picture: YuvPicture) {
        if (luma.size < picture.width) luma = ByteArray(picture.width)
        val half = (picture.width + 1) / 2 * maxOf(picture.u.pixelStride, picture.v.pixelStride)
        if (chroma.size < half) {
            chroma = ByteArray(half)
            otherChroma = ByteArray(half)
        }
        if (matrix == picture.matrix && fullRange == picture.fullRange) return
        matrix = picture.matrix
        fullRange = picture.fullRange
        fillTables(picture.matrix, picture.fullRange)
    }

    /** Whole numbers with 16 bits of fraction; all shifts round down, those of negative numbers too. */
    private fun fillTables(
        matrix: ColourMatrix,
        full: Boolean,
    ) {
        val scale = factor(if (full) ONE else ONE * 255 / 219)
        val black = if (full) 0 else 128
        for (value in 0 until VALUES) {
            val colour = value * 8 - 1024
            grey[value] = ((value * 8 - black) * scale) shr 16
            red[value] = (colour * factor(ranged(matrix.crv, full))) shr 16
            greenU[value] = (colour * factor(-ranged(matrix.cgu, full))) shr 16
            greenV[value] = (colour * factor(-ranged(matrix.cgv, full))) shr 16
            blue[value] = (colour * factor(ranged(matrix.cbu, full))) shr 16
        }
    }

    private fun ranged(
        coefficient: Int,
        full: Boolean,
    ) = if (full) coefficient * 224 / 255 else coefficient

    private fun factor(coefficient: Int) = (coefficient * 8192 + 32768) shr 16

    private fun clamped(value: Int): Byte = minOf(maxOf(value, 0), BYTE).toByte()

    private companion object {
        const val VALUES = 256
        const val BYTE = 255
        const val ONE = 65536
        const val QUARTER = 90
    }
}
