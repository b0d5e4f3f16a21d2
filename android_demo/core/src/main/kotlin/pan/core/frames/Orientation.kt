package pan.core.frames

import kotlin.math.abs

/**
 * How a stored picture is mirrored and turned to stand upright.
 *
 * ```
 * Mp4Orientation.read(file)?.applyTo(picture)
 * ```
 *
 * @property rotation Degrees clockwise: 0, 90, 180 or 270.
 * @property mirrored Whether it is mirrored left to right before it is turned.
 */
data class Orientation(
    val rotation: Int = 0,
    val mirrored: Boolean = false,
) {
    /** Sets rotation and mirroring of a picture. */
    fun applyTo(picture: YuvPicture) {
        picture.rotation = rotation
        picture.mirrored = mirrored
    }

    companion object {
        private const val QUARTER = 90

        /**
         * The orientation of a display matrix; an angle between is brought to the nearest quarter of a turn.
         *
         * A stored pixel (p, q) is shown at x = a p + c q, y = b p + d q, y pointing down.
         */
        fun of(
            a: Int,
            b: Int,
            c: Int,
            d: Int,
        ): Orientation {
            val mirrored = a.toLong() * d - b.toLong() * c < 0
            val sign = if (mirrored) -1L else 1L
            val across = sign * a + d
            val down = sign * b - c
            val rotation =
                when {
                    abs(across) >= abs(down) -> if (across < 0) 2 * QUARTER else 0
                    down > 0 -> QUARTER
                    else -> 3 * QUARTER
                }
            return Orientation(rotation, mirrored)
        }
    }
}
