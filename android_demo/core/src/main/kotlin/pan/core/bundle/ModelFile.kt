package pan.core.bundle

/**
 * A state of a streaming model: zero before the first call, then what the call before gave.
 *
 * @property input The input that takes it.
 * @property output The name of the output that gives its next value.
 */
data class StateSpec(
    val input: TensorSpec,
    val output: String,
)

/**
 * A model file of a bundle: an element of `artefacts` of `model.json`.
 *
 * @property file Its name in the bundle.
 * @property format `tflite` or `onnx`.
 * @property precision `float32`, `float16`, `dynamic` or `int8`.
 * @property streaming Whether a call takes one segment in place of a clip.
 * @property bytes Its size in bytes; null where the bundle does not say it.
 * @property sha256 Its SHA-256 checksum, in hexadecimal digits.
 * @property signature Name of the signature, in TFLite files.
 * @property inputs Its inputs, `frames` among them.
 * @property outputs Its outputs, `logits` among them.
 * @property states Those of a streaming model; none of a clip model.
 * @property runtime The oldest release of TensorFlow Lite that runs it, such as `2.3.0`; null of ONNX files and of
 *   bundles that do not say it.
 */
data class ModelFile(
    val file: String,
    val format: String,
    val precision: String,
    val streaming: Boolean,
    val bytes: Long?,
    val sha256: String,
    val signature: String,
    val inputs: List<TensorSpec>,
    val outputs: List<TensorSpec>,
    val states: List<StateSpec>,
    val runtime: String?,
) {
    /** Whether it also gives `motion`, the PA map. */
    val hasMotion: Boolean = outputs.any { it.name == MOTION }

    /** Whether a release of TensorFlow Lite, such as `2.16.1`, is new enough to run it. */
    fun runsOn(release: String): Boolean {
        val required = numbers(runtime ?: return true)
        val found = numbers(release)
        val place = required.indices.find { required[it] != found.getOrElse(it) { 0 } } ?: return true
        return found.getOrElse(place) { 0 } > required[place]
    }

    private fun numbers(release: String): List<Int> =
        release.split('.').map {
            it.takeWhile(Char::isDigit).toIntOrNull()
                ?: 0
        }

    /** The output of that name; null where there is none. */
    fun output(name: String): TensorSpec? = outputs.find { it.name == name }

    companion object {
        /** Name of the input that takes frames. */
        const val FRAMES = "frames"

        /** Name of the output that gives a number for each class. */
        const val LOGITS = "logits"

        /** Name of the output of models exported with `--with-motion`. */
        const val MOTION = "motion"

        private val FORMATS = setOf("tflite", "onnx")
        private const val NEXT = "next_"
        private val RELEASE = Regex("""[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}""")

        internal fun read(
            facts: Facts,
            input: InputSpec,
            labels: Int,
        ): ModelFile {
            val signature = facts.part("signature")
            val streaming = facts.flag("streaming")
            val inputs = signature.records("inputs").map(TensorSpec::read).map { it.bound(input, streaming) }
            val outputs = signature.records("outputs").map(TensorSpec::read).map { it.bound(input, streaming) }
            val states =
                facts.records("states").map { record ->
                    val state = TensorSpec.read(record)
                    // Schema versions 1 and 2 left the name of the output to the reader.
                    val output =
                        record.textOrNull("output") ?: state.name.takeIf { outputs.named(it) } ?: "$NEXT${state.name}"
                    StateSpec(state, output)
                }
            val model =
                ModelFile(
                    file = facts.text("file"),
                    format = facts.oneOf("format", FORMATS),
                    precision = facts.text("precision"),
                    streaming = streaming,
                    bytes = if (facts.has("bytes")) facts.size("bytes") else null,
                    sha256 = facts.text("sha256"),
                    signature = signature.text("name"),
                    inputs = inputs,
                    outputs = outputs,
                    states = states,
                    runtime = runtime(facts),
                )
            model.check(facts, input, labels)
            return model
        }

        private fun runtime(facts: Facts): String? {
            val required = facts.partOrNull("conversion")?.partOrNull("runtime")?.textOrNull("requires") ?: return null
            if (!RELEASE.matches(required)) {
                facts.wrong("conversion", "requires '${required.take(20)}', which is no release")
            }
            return required
        }

        private fun List<TensorSpec>.named(name: String) = any { it.name == name }

        /** A free dimension is that of clips: an app gives one. */
        private fun TensorSpec.bound(
            input: InputSpec,
            streaming: Boolean,
        ): TensorSpec {
            if (-1 !in shape) return this
            val frames = if (streaming) input.stack else input.segments * input.stack
            return copy(
                shape =
                    shape.map {
                        if (it != -1) {
                            it
                        } else if (name == FRAMES) {
                            frames
                        } else {
                            1
                        }
                    },
            )
        }
    }

    private fun check(
        facts: Facts,
        input: InputSpec,
        labels: Int,
    ) {
        val count = if (streaming) input.stack else input.segments * input.stack
        val frames = TensorSpec(FRAMES, listOf(count, input.height, input.width, InputSpec.COLOURS), "uint8")
        val wanted = listOf(frames) + states.map { it.input }
        for (tensor in wanted) {
            val found = inputs.find { it.name == tensor.name } ?: facts.wrong("signature", "takes no ${tensor.name}")
            if (found != tensor) facts.wrong("signature", "takes $found, but the bundle says $tensor")
        }
        inputs
            .find { input ->
                wanted.none { it.name == input.name }
            }?.let { facts.wrong("signature", "takes ${it.name} too") }
        val logits = output(LOGITS) ?: facts.wrong("signature", "gives no $LOGITS")
        if (logits.shape.lastOrNull() != labels || logits.bytes != labels * logits.itemBytes ||
            logits.dtype != "float32"
        ) {
            facts.wrong("signature", "gives $logits for $labels labels")
        }
        for (state in states) {
            val given = output(state.output) ?: facts.wrong("signature", "gives no ${state.output}")
            if (given.bytes != state.input.bytes || given.dtype != state.input.dtype) {
                facts.wrong("signature", "gives $given for ${state.input}")
            }
        }
    }
}
