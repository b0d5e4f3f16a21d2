package pan.demo.live

import pan.core.bundle.ModelFile
import java.nio.ByteBuffer

/**
 * The newest motion map of a model as strengths between 0 and 1.
 *
 * The scale is the strongest motion of the last seconds; it falls slowly.
 *
 * @param model Gives `motion`, float32 `(segments, H, W, m - 1)`.
 */
class Heat(
    model: ModelFile,
) {
    private val shape = requireNotNull(model.output(ModelFile.MOTION)) { "${model.file} gives no motion" }.shape
    private val height = shape[shape.size - ROWS_FROM_END]
    private val maps = shape.last()

    /** Columns of the map. */
    val width: Int = shape[shape.size - COLUMNS_FROM_END]

    /** Strengths, row by row: the same array each time. */
    val strengths = FloatArray(height * width)
    private var peak = 0f

    /** Reads the last pair of frames of the last segment. */
    fun read(motion: ByteBuffer) {
        val start = motion.capacity() - strengths.size * maps * Float.SIZE_BYTES
        var strongest = 0f
        for (place in strengths.indices) {
            val value = motion.getFloat(start + ((place + 1) * maps - 1) * Float.SIZE_BYTES)
            strengths[place] = value
            if (value > strongest) strongest = value
        }
        peak = maxOf(strongest, peak * DECAY)
        if (peak <= 0f) return
        for (place in strengths.indices) strengths[place] /= peak
    }

    private companion object {
        const val ROWS_FROM_END = 3
        const val COLUMNS_FROM_END = 2
        const val DECAY = 0.97f
    }
}
