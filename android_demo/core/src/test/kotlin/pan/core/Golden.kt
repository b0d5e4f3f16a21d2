package pan.core

import pan.core.bundle.Fit
import pan.core.bundle.InputSpec
import pan.core.bundle.Json
import java.io.File
import java.security.MessageDigest

/** What the Python package computes, and its tests compare: files of `tests/golden`. */
internal object Golden {
    private val folder = File(checkNotNull(System.getProperty("golden")))

    /** The cases of a section of a file. */
    fun cases(
        file: String,
        section: String,
    ): List<Case> = cases(checkNotNull((parsed(file) as Map<*, *>)[section]) { section })

    /** The cases of a file that is a list of them. */
    fun cases(file: String): List<Case> = cases(checkNotNull(parsed(file)))

    fun file(name: String) = File(folder, name)

    private fun parsed(file: String) = Json.parse(file(file).readText())

    private fun cases(list: Any) = (list as List<*>).map { Case(it as Map<*, *>) }.also { check(it.isNotEmpty()) }
}

internal class Case(
    private val members: Map<*, *>,
) {
    fun has(name: String) = members[name] != null

    fun text(name: String) = members[name] as String

    fun flag(name: String) = members[name] as Boolean

    fun whole(name: String) = (members[name] as Number).toInt()

    fun number(name: String) = (members[name] as Number).toDouble()

    fun case(name: String) = Case(members[name] as Map<*, *>)

    fun cases(name: String) = (members[name] as List<*>).map { Case(it as Map<*, *>) }

    fun wholes(name: String) = numbers(name).map { it.toInt() }

    fun numbers(name: String) = (members[name] as List<*>).map { (it as Number).toDouble() }

    fun lists(name: String) = (members[name] as List<*>).map { list -> (list as List<*>).map { (it as Number).toInt() } }

    fun input(name: String) =
        case(name).run {
            InputSpec(
                if (has("segments")) whole("segments") else 1,
                if (has("stack")) whole("stack") else 1,
                whole("height"),
                whole("width"),
                whole("resize"),
                Fit.valueOf(text("fit").uppercase()),
                whole("resizing"),
            )
        }

    override fun toString() = members.toString().take(160)
}

internal fun sha256(
    bytes: ByteArray,
    count: Int = bytes.size,
): String =
    MessageDigest
        .getInstance("SHA-256")
        .apply { update(bytes, 0, count) }
        .digest()
        .joinToString("") { "%02x".format(it) }
