package pan.core.frames

/** Scales frames in one version of the arithmetic; it keeps its memory from frame to frame. */
interface Scaler {
    /**
     * Scales a frame.
     *
     * @param frame A frame of any size.
     * @param height Rows wanted.
     * @param width Columns wanted.
     * @return A frame of that size: [frame] itself, or one that is other pixels after the next call.
     */
    fun scale(
        frame: RgbFrame,
        height: Int,
        width: Int,
    ): RgbFrame

    companion object {
        /**
         * The arithmetic of a version of `resizing`.
         *
         * @param version 1 or 2.
         */
        fun of(version: Int): Scaler =
            when (version) {
                1 -> ScalerV1()
                2 -> ScalerV2()
                else -> throw IllegalArgumentException("version $version of resizing")
            }
    }
}
