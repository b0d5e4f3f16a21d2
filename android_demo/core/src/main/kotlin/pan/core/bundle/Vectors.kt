package pan.core.bundle

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Test vectors of a bundle: clips with the logits that each model file gave at export.
 *
 * @property clips Number of clips.
 */
class Vectors private constructor(
    private val bundle: Bundle,
    private val clipFiles: List<String>,
    private val expected: Map<String, Expected>,
) {
    /**
     * What one model file must answer.
     *
     * @property logits For each clip; of a streaming model, after each of its N segments.
     * @property maxDifference By how much a logit may be off on another machine.
     */
    class Expected(
        val logits: List<List<FloatArray>>,
        val maxDifference: Float,
    )

    val clips: Int get() = clipFiles.size

    /**
     * A clip, as the clip models take it.
     *
     * @throws BundleException If its file has changed.
     */
    fun clip(number: Int): ByteBuffer = bundle.directContent(clipFiles[number], bundle.input.clipBytes.toLong())

    /** What a model file must answer; null where the vectors say nothing of it. */
    fun of(model: ModelFile): Expected? = expected[model.file]

    companion object {
        private const val INDEX = "vectors/index.json"
        private const val LARGEST_INDEX = 16 shl 20
        private const val LARGEST_LOGITS = 64 shl 20

        /**
         * Reads the vectors of a bundle.
         *
         * @throws BundleException If a file has changed, or the index is not of its form.
         */
        fun read(bundle: Bundle): Vectors {
            val facts = Facts.read(bundle.content(INDEX, LARGEST_INDEX), "${bundle.title}/$INDEX")
            val input = bundle.input
            val form = listOf(input.segments * input.stack, input.height, input.width, InputSpec.COLOURS)
            val clips =
                facts.records("clips").map { record ->
                    record.oneOf("dtype", setOf("uint8"))
                    if (record.wholes("shape") != form) record.wrong("shape", "is not that of a clip")
                    record.text("file")
                }
            if (clips.isEmpty()) facts.wrong("clips", "are none")
            val models = bundle.models.associateBy { it.file }
            val expected =
                facts
                    .records("logits")
                    .mapNotNull { record ->
                        models[record.text("model")]?.let {
                            it.file to
                                expected(bundle, record, it, clips.size)
                        }
                    }.toMap()
            return Vectors(bundle, clips, expected)
        }

        private fun expected(
            bundle: Bundle,
            record: Facts,
            model: ModelFile,
            clips: Int,
        ): Expected {
            record.oneOf("dtype", setOf("float32"))
            val steps = if (model.streaming) bundle.input.segments else 1
            val classes = bundle.labels.size
            val form = if (model.streaming) listOf(clips, steps, classes) else listOf(clips, classes)
            if (record.wholes("shape") != form) record.wrong("shape", "is not $form")
            val content = bundle.content(record.text("file"), LARGEST_LOGITS)
            if (content.size.toLong() != clips.toLong() * steps * classes * Float.SIZE_BYTES) {
                record.wrong("file", "has not the size of its shape")
            }
            val numbers = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
            val logits = List(clips) { List(steps) { FloatArray(classes).also(numbers::get) } }
            val difference = record.number("max_difference")
            if (difference < 0) record.wrong("max_difference", "is below 0")
            return Expected(logits, difference.toFloat())
        }
    }
}
