package pan.core.frames

import java.io.DataInputStream
import java.io.EOFException
import java.io.InputStream

/**
 * Reads the orientation of the first video track of an MP4 or QuickTime file.
 *
 * Android's `MediaExtractor` tells quarter turns alone: a mirrored video has rotation 0 there. The file may come from
 * anyone: only headers are read, and their number is limited.
 */
object Mp4Orientation {
    /**
     * Reads a file from its start to the track.
     *
     * @param file Its bytes; what is between the headers is skipped.
     * @return The orientation; null where it is no such file, or a damaged one.
     * @throws java.io.IOException If the file cannot be read.
     */
    fun read(file: InputStream): Orientation? =
        try {
            BoxReader(DataInputStream(file)).orientation()
        } catch (ignored: EOFException) {
            null
        }
}

/** Walks through the boxes of a file: size, type and content, which may be boxes. */
private class BoxReader(
    private val file: DataInputStream,
) {
    private var place = 0L
    private var count = 0
    private var movie = UPRIGHT
    private var found: Orientation? = null

    fun orientation(): Orientation? {
        each(Long.MAX_VALUE) { type, end ->
            if (type == MOVIE) readMovie(end)
            type != MOVIE
        }
        return found
    }

    private fun readMovie(end: Long) =
        each(end) { type, content ->
            when (type) {
                MOVIE_HEADER -> movie = matrix(content, MOVIE_OFFSET)
                TRACK -> readTrack(content)
            }
            found == null
        }

    private fun readTrack(end: Long) {
        var matrix = UPRIGHT
        var isVideo = false
        each(end) { type, content ->
            when (type) {
                TRACK_HEADER -> matrix = matrix(content, TRACK_OFFSET)
                MEDIA -> isVideo = isVideo(content)
            }
            true
        }
        if (!isVideo) return
        found =
            Orientation.of(
                product(matrix, movie, 0, 0),
                product(matrix, movie, 0, 1),
                product(matrix, movie, 1, 0),
                product(matrix, movie, 1, 1),
            )
    }

    private fun isVideo(end: Long): Boolean {
        var handler = 0
        each(end) { type, content ->
            if (type == HANDLER && content - place >= HANDLER_OFFSET + Int.SIZE_BYTES) {
                skip(HANDLER_OFFSET)
                handler = int()
            }
            true
        }
        return handler == VIDEO
    }

    /** Calls [visit] with type and end of each box before [end], until it returns false. */
    private inline fun each(
        end: Long,
        visit: (type: Int, end: Long) -> Boolean,
    ) {
        while (end - place >= HEADER) {
            if (++count > MOST_BOXES) throw EOFException()
            val start = place
            var size = int().toLong() and UNSIGNED
            val type = int()
            if (size == LONG_SIZE) size = int().toLong() shl Int.SIZE_BITS or (int().toLong() and UNSIGNED)
            // A size of 0: to the end.
            if (size == 0L) size = end - start
            if (size < place - start || size > end - start) throw EOFException()
            if (!visit(type, start + size)) return
            skip(start + size - place)
        }
    }

    /** The nine numbers of a header; [offset] is where they stand in its version 0. */
    private fun matrix(
        end: Long,
        offset: Long,
    ): IntArray {
        val version = int() ushr VERSION_SHIFT
        val before = offset - Int.SIZE_BYTES + if (version == 1) LONGER_TIMES else 0
        if (end - place < before + UPRIGHT.size * Int.SIZE_BYTES) throw EOFException()
        skip(before)
        return IntArray(UPRIGHT.size) { int() }
    }

    /** A number of the product, in the arithmetic of FFmpeg. */
    private fun product(
        one: IntArray,
        other: IntArray,
        row: Int,
        column: Int,
    ): Int {
        var sum = 0L
        for (between in 0 until SIDE) {
            val part = one[row * SIDE + between].toLong() * other[between * SIDE + column]
            sum += part shr if (between == SIDE - 1) LAST_FRACTION else FRACTION
        }
        return sum.toInt()
    }

    private fun int(): Int {
        place += Int.SIZE_BYTES
        return file.readInt()
    }

    private fun skip(bytes: Long) {
        place += bytes
        var left = bytes
        while (left > 0) {
            val skipped = file.skip(left)
            // A stream may skip less, and nothing at its end.
            if (skipped <= 0 && file.read() < 0) throw EOFException()
            left -= maxOf(skipped, 1L)
        }
    }

    private companion object {
        const val HEADER = 8
        const val LONG_SIZE = 1L
        const val UNSIGNED = 0xffffffffL
        const val MOST_BOXES = 10_000
        const val SIDE = 3

        // The last column of a matrix has 30 bits of fraction, the others 16.
        const val FRACTION = 16
        const val LAST_FRACTION = 30
        val UPRIGHT = intArrayOf(1 shl FRACTION, 0, 0, 0, 1 shl FRACTION, 0, 0, 0, 1 shl LAST_FRACTION)

        // Bytes before the matrix in version 0; times of version 1 are longer by 12 bytes.
        const val MOVIE_OFFSET = 36L
        const val TRACK_OFFSET = 40L
        const val HANDLER_OFFSET = 8L
        const val VERSION_SHIFT = 24
        const val LONGER_TIMES = 12L

        val MOVIE = type("moov")
        val MOVIE_HEADER = type("mvhd")
        val TRACK = type("trak")
        val TRACK_HEADER = type("tkhd")
        val MEDIA = type("mdia")
        val HANDLER = type("hdlr")
        val VIDEO = type("vide")

        fun type(name: String): Int = name.fold(0) { number, letter -> number shl Byte.SIZE_BITS or letter.code }
    }
}
