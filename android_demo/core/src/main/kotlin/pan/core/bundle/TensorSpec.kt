package pan.core.bundle

/**
 * An input or output of a model.
 *
 * @property name Its name in the signature.
 * @property shape Its dimensions; -1 for a free one.
 * @property dtype Such as `uint8` or `float32`.
 */
data class TensorSpec(
    val name: String,
    val shape: List<Int>,
    val dtype: String,
) {
    /** Bytes of the tensor. */
    val bytes: Int get() = shape.fold(1) { product, side -> product * side } * itemBytes

    /** Bytes of an element. */
    val itemBytes: Int get() = BYTES.getValue(dtype)

    companion object {
        private const val LARGEST = 1L shl 30
        private val BYTES =
            mapOf(
                "bool" to 1,
                "int8" to 1,
                "uint8" to 1,
                "int16" to 2,
                "int32" to 4,
                "int64" to 8,
                "float16" to 2,
                "float32" to 4,
                "float64" to 8,
            )

        internal fun read(facts: Facts): TensorSpec {
            val spec = TensorSpec(facts.text("name"), facts.wholes("shape"), facts.oneOf("dtype", BYTES.keys))
            var bytes = spec.itemBytes.toLong()
            for (side in spec.shape) {
                bytes *= maxOf(side, 1)
                if (bytes > LARGEST) facts.wrong("shape", "is too large for a phone")
            }
            return spec
        }
    }
}
