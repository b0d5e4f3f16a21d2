package pan.core.frames

/**
 * A frame of red, green and blue bytes; its memory grows to the largest size that it had.
 *
 * @property height Rows.
 * @property width Columns.
 */
class RgbFrame(
    height: Int = 0,
    width: Int = 0,
) {
    var height: Int = 0
        private set
    var width: Int = 0
        private set

    /** uint8 `(height, width, 3)`; the array may be longer. */
    var bytes: ByteArray = ByteArray(0)
        private set

    init {
        resize(height, width)
    }

    /** Changes the size; the pixels are undefined until the caller sets them. */
    fun resize(
        height: Int,
        width: Int,
    ) {
        this.height = height
        this.width = width
        val size = height * width * COLOURS
        if (bytes.size < size) bytes = ByteArray(size)
    }

    internal companion object {
        const val COLOURS = 3
    }
}
