package pan.core.bundle

/** How a frame of any size becomes one of the model's size. */
enum class Fit(
    internal val key: String,
) {
    /** The shorter side is scaled, then the centre is cut out. */
    CROP("crop"),

    /** The frame is scaled into the size, and what it does not cover is black. */
    LETTERBOX("letterbox"),

    /** The frame is scaled to the size whatever its proportions. */
    SQUASH("squash"),
}

/**
 * The clips that all models of a bundle take: `input` of `model.json`.
 *
 * @property segments Segments of a clip, N.
 * @property stack Adjacent frames of a segment, m.
 * @property height Rows of a frame, in pixels.
 * @property width Columns of a frame, in pixels.
 * @property resize Shorter side in pixels before the crop, where [fit] is [Fit.CROP].
 * @property fit How a frame becomes [height] x [width].
 * @property resizing Version of the arithmetic that scales frames: 1 or 2.
 */
data class InputSpec(
    val segments: Int,
    val stack: Int,
    val height: Int,
    val width: Int,
    val resize: Int,
    val fit: Fit,
    val resizing: Int,
) {
    /** Bytes of a frame, rows of pixels of red, green and blue. */
    val frameBytes: Int get() = height * width * COLOURS

    /** Bytes of the m frames of a segment. */
    val segmentBytes: Int get() = stack * frameBytes

    /** Bytes of the N * m frames of a clip. */
    val clipBytes: Int get() = segments * segmentBytes

    companion object {
        /** Bytes of a pixel. */
        const val COLOURS = 3

        private const val LARGEST_CLIP = 1L shl 30
        private val FITS = Fit.entries.associateBy { it.key }

        internal fun read(facts: Facts): InputSpec {
            val spec =
                InputSpec(
                    facts.count("segments"),
                    facts.count("stack"),
                    facts.count("height"),
                    facts.count("width"),
                    facts.count("resize"),
                    FITS.getValue(facts.oneOf("fit", FITS.keys)),
                    facts.count("resizing"),
                )
            facts.oneOf("crop", setOf("centre"))
            facts.oneOf("channels", setOf("RGB"))
            facts.oneOf("dtype", setOf("uint8"))
            if (spec.resizing > 2) facts.wrong("resizing", "is ${spec.resizing}, which this app does not know")
            if (spec.resizing == 1 && spec.fit != Fit.CROP) {
                facts.wrong("resizing", "is 1, which cannot ${spec.fit.key}")
            }
            if (spec.resize < minOf(spec.height, spec.width)) {
                facts.wrong("resize", "is less than the shorter side of a frame")
            }
            val sides = listOf(spec.segments, spec.stack, spec.height, spec.width, COLOURS)
            // One after the other: their product may not fit into 64 bits.
            var bytes = 1L
            for (side in sides) {
                bytes *= side
                if (bytes > LARGEST_CLIP) {
                    facts.wrong("segments", "and the other sizes make a clip that no phone can hold")
                }
            }
            if (spec.resize.toLong() * spec.resize > LARGEST_CLIP) facts.wrong("resize", "is too large")
            return spec
        }
    }
}
