package pan.core.bundle

/**
 * An object of `model.json` whose members are checked as they are taken.
 *
 * @param path Where it stands in the file, for errors; empty for the whole.
 */
internal class Facts(
    private val members: Map<*, *>,
    private val file: String,
    private val path: String = "",
) {
    fun has(name: String): Boolean = members[name] != null

    fun names(): List<String> = members.keys.map { it as String }

    fun text(name: String): String = taken(name)

    fun textOrNull(name: String): String? = if (has(name)) text(name) else null

    fun whole(name: String): Int {
        val number = taken<Long>(name)
        if (number < Int.MIN_VALUE || number > Int.MAX_VALUE) wrong(name, "$number is too large")
        return number.toInt()
    }

    fun count(name: String): Int = whole(name).also { if (it < 1) wrong(name, "$it is not above 0") }

    fun size(name: String): Long = taken<Long>(name).also { if (it < 0) wrong(name, "$it is below 0") }

    fun number(name: String): Double {
        val number = taken<Number>(name).toDouble()
        if (number.isInfinite()) wrong(name, "$number is no number")
        return number
    }

    fun positive(name: String): Double = number(name).also { if (it <= 0) wrong(name, "$it is not above 0") }

    fun flag(name: String): Boolean = taken(name)

    fun part(name: String): Facts = Facts(taken<Map<*, *>>(name), file, inside(name))

    fun partOrNull(name: String): Facts? = if (has(name)) part(name) else null

    fun records(name: String): List<Facts> =
        taken<List<*>>(name).mapIndexed { place, value ->
            Facts(value as? Map<*, *> ?: wrong(name, "holds what is no object"), file, "${inside(name)}.$place")
        }

    fun texts(name: String): List<String> =
        taken<List<*>>(name).map {
            it as? String
                ?: wrong(name, "holds what is no text")
        }

    fun wholes(name: String): List<Int> =
        taken<List<*>>(name).map { side ->
            (side as? Long)?.takeIf { it in -1..Int.MAX_VALUE }?.toInt() ?: wrong(name, "holds $side")
        }

    fun oneOf(
        name: String,
        values: Collection<String>,
    ): String =
        text(name).also {
            if (it !in values) {
                wrong(name, "'${it.take(SHOWN)}' is none of ${values.joinToString()}")
            }
        }

    /** The same with other values for members that are missing. */
    fun with(defaults: Map<String, Any?>): Facts =
        Facts(defaults + members.filterValues { it != null }.mapKeys { it.key as String }, file, path)

    fun wrong(
        name: String,
        problem: String,
    ): Nothing = throw BundleException("$file: ${inside(name)} $problem; export the bundle again")

    private inline fun <reified T> taken(name: String): T {
        val value = members[name] ?: wrong(name, "is missing")
        return value as? T ?: wrong(name, "is of another kind than it should be")
    }

    private fun inside(name: String) = if (path.isEmpty()) name else "$path.$name"

    companion object {
        private const val SHOWN = 40

        /**
         * Reads a file that holds one object.
         *
         * @throws BundleException If it is no JSON object.
         */
        fun read(
            content: ByteArray,
            file: String,
        ): Facts {
            val value =
                try {
                    Json.parse(content.toString(Charsets.UTF_8))
                } catch (error: IllegalArgumentException) {
                    throw BundleException("$file: not JSON (${error.message}); export the bundle again", error)
                }
            if (value !is Map<*, *>) throw BundleException("$file: not a JSON object; export the bundle again")
            return Facts(value, file)
        }
    }
}
