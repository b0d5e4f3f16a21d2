package pan.core.bundle

/**
 * Reads JSON into maps, lists, strings, `Long`, `Double`, `Boolean` and null.
 *
 * A file may come from anyone: nesting is bounded, and what is no JSON raises
 * [IllegalArgumentException].
 */
internal class Json private constructor(
    private val text: String,
) {
    private var place = 0

    private fun document(): Any? {
        val value = value(0)
        space()
        require(place == text.length) { "more follows after its end" }
        return value
    }

    private fun value(depth: Int): Any? {
        require(depth < DEEPEST) { "nested too deeply" }
        space()
        return when (peek()) {
            '{' -> members(depth)
            '[' -> elements(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun members(depth: Int): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        place++
        if (skips('}')) return found
        do {
            space()
            val name = string()
            expect(':')
            found[name] = value(depth + 1)
        } while (skips(','))
        expect('}')
        return found
    }

    private fun elements(depth: Int): List<Any?> {
        val found = ArrayList<Any?>()
        place++
        if (skips(']')) return found
        do {
            found += value(depth + 1)
        } while (skips(','))
        expect(']')
        return found
    }

    private fun string(): String {
        require(peek() == '"') { "no name or text at character $place" }
        place++
        val found = StringBuilder()
        while (true) {
            val character = peek()
            place++
            when {
                character == '"' -> return found.toString()
                character == '\\' -> found.append(escaped())
                character < ' ' -> throw IllegalArgumentException("a line break in a text")
                else -> found.append(character)
            }
        }
    }

    private fun escaped(): Char {
        val character = peek()
        place++
        return when (character) {
            '"', '\\', '/' -> character
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> hexadecimal()
            else -> throw IllegalArgumentException("an unknown escape at character $place")
        }
    }

    private fun hexadecimal(): Char {
        require(place + HEX_DIGITS <= text.length) { "it ends too early" }
        val digits = text.substring(place, place + HEX_DIGITS)
        require(digits.all { it in '0'..'9' || it in 'a'..'f' || it in 'A'..'F' }) {
            "no character \\u$digits"
        }
        place += HEX_DIGITS
        return digits.toInt(HEX).toChar()
    }

    private fun number(): Any {
        val match = NUMBER.find(text, place)
        require(match != null && match.range.first == place) { "no value at character $place" }
        place = match.range.last + 1
        return match.value.toLongOrNull() ?: match.value.toDouble()
    }

    private fun <T> word(
        word: String,
        value: T,
    ): T {
        require(text.startsWith(word, place)) { "no value at character $place" }
        place += word.length
        return value
    }

    private fun skips(character: Char): Boolean {
        space()
        if (peek() != character) return false
        place++
        return true
    }

    private fun expect(character: Char) = require(skips(character)) { "no '$character' at character $place" }

    private fun peek(): Char {
        require(place < text.length) { "it ends too early" }
        return text[place]
    }

    private fun space() {
        while (place < text.length && text[place] in " \t\r\n") place++
    }

    companion object {
        private const val DEEPEST = 64
        private const val HEX = 16
        private const val HEX_DIGITS = 4
        private val NUMBER = Regex("""-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?""")

        /**
         * Parses a document.
         *
         * @throws IllegalArgumentException If it is no JSON.
         */
        fun parse(text: String): Any? = Json(text).document()
    }
}
