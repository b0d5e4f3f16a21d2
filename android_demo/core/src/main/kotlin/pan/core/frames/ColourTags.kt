package pan.core.frames

/**
 * What a decoder or a container says about the colours of a video.
 *
 * The bitstream decides; the container counts where the bitstream says nothing, and BT.601 of limited range where
 * neither does. `pan-keras evaluate` decides in the same way.
 *
 * ```
 * decoder.orElse(container).applyTo(picture)
 * ```
 *
 * @property matrix The matrix that turned RGB into YUV; null where it is not said.
 * @property fullRange Whether black is 0 and white 255; null where it is not said.
 */
data class ColourTags(
    val matrix: ColourMatrix? = null,
    val fullRange: Boolean? = null,
) {
    /** These tags, completed by those of [other]. */
    fun orElse(other: ColourTags): ColourTags = ColourTags(matrix ?: other.matrix, fullRange ?: other.fullRange)

    /** Sets matrix and range of a picture. */
    fun applyTo(picture: YuvPicture) {
        picture.matrix = matrix ?: ColourMatrix.BT601
        picture.fullRange = fullRange ?: false
    }
}
