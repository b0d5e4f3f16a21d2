package pan.core.frames

import java.nio.ByteBuffer

/** Which matrix turns YUV into RGB. Take [BT601] where a video does not say it. */
enum class ColourMatrix(
    internal val crv: Int,
    internal val cbu: Int,
    internal val cgu: Int,
    internal val cgv: Int,
) {
    // 16 bits of fraction; limited range.
    BT601(104597, 132201, 25675, 53279),
    BT709(117489, 138438, 13975, 34925),
    BT2020(110013, 140363, 12277, 42626),
}

/**
 * A plane of a picture, in memory that the source of the picture owns.
 *
 * @property bytes Holds it; absolute positions count from its start.
 * @property offset Position of its first sample.
 * @property rowStride Bytes from one row to the next.
 * @property pixelStride Bytes from one sample to the next: 1, or 2 where U and V alternate.
 */
class Plane(
    var bytes: ByteBuffer,
    var offset: Int,
    var rowStride: Int,
    var pixelStride: Int,
) {
    /** Sets all of it, so that one object serves all pictures of a camera. */
    fun set(
        bytes: ByteBuffer,
        offset: Int,
        rowStride: Int,
        pixelStride: Int,
    ) {
        this.bytes = bytes
        this.offset = offset
        this.rowStride = rowStride
        this.pixelStride = pixelStride
    }

    /** Copies the samples of a row, [pixelStride] bytes apart; the position of [bytes] stays. */
    internal fun read(
        row: Int,
        samples: Int,
        target: ByteArray,
    ) {
        val start = bytes.position()
        bytes.position(offset + row * rowStride)
        bytes.get(target, 0, (samples - 1) * pixelStride + 1)
        bytes.position(start)
    }
}

/**
 * A decoded picture in YUV 4:2:0, 8 bits a sample; one object may serve all pictures of a source.
 *
 * [width] and [height] are those of the visible part. Where that does not start at the first
 * sample, the offsets of the planes say so.
 *
 * ```
 * val picture = YuvPicture()
 * picture.setI420(bytes, 320, 240)
 * image.planes.forEachIndexed { number, plane ->    // of Android's Image
 *     picture.planes[number].set(plane.buffer, 0, plane.rowStride, plane.pixelStride)
 * }
 * ```
 *
 * @property width Columns, in pixels, as stored.
 * @property height Rows, in pixels, as stored.
 * @property rotation Degrees by which it is to be turned clockwise to stand upright: 0, 90, 180 or 270.
 * @property matrix Which matrix turns it into RGB.
 * @property fullRange Whether black is 0 and white 255, in place of 16 and 235.
 * @property mirrored Whether it is to be mirrored left to right before it is turned.
 * @property chromaAtLeft Whether chroma samples stand above the left one of their two columns, as in MPEG-2 and MPEG-4
 *   Part 2, in place of between them; it matters in pictures with an odd number of rows alone.
 */
class YuvPicture(
    var width: Int = 0,
    var height: Int = 0,
    var rotation: Int = 0,
    var matrix: ColourMatrix = ColourMatrix.BT601,
    var fullRange: Boolean = false,
    var mirrored: Boolean = false,
    var chromaAtLeft: Boolean = false,
) {
    /** Y, U and V. */
    val planes: Array<Plane> = Array(PLANES) { Plane(NOTHING, 0, 0, 1) }

    /** Y: height x width samples. */
    val y: Plane get() = planes[0]

    /** U: half the rows and columns, rounded up. */
    val u: Plane get() = planes[1]

    /** V: half the rows and columns, rounded up. */
    val v: Plane get() = planes[2]

    /** Rows of the upright picture. */
    val uprightHeight: Int get() = if (rotation % HALF_TURN == 0) height else width

    /** Columns of the upright picture. */
    val uprightWidth: Int get() = if (rotation % HALF_TURN == 0) width else height

    /** Sets size and planes of I420: Y, U and V one after the other, without gaps. */
    fun setI420(
        bytes: ByteBuffer,
        width: Int,
        height: Int,
    ) {
        size(width, height)
        val across = (width + 1) / 2
        val down = (height + 1) / 2
        y.set(bytes, 0, width, 1)
        u.set(bytes, width * height, across, 1)
        v.set(bytes, width * height + across * down, across, 1)
    }

    /** Sets size and planes of NV12: Y, then U and V samples in turns. */
    fun setNv12(
        bytes: ByteBuffer,
        width: Int,
        height: Int,
        rowStride: Int = width + width % 2,
    ) = setTurns(bytes, width, height, rowStride, first = 0)

    /** Sets size and planes of NV21: Y, then V and U samples in turns. */
    fun setNv21(
        bytes: ByteBuffer,
        width: Int,
        height: Int,
        rowStride: Int = width + width % 2,
    ) = setTurns(bytes, width, height, rowStride, first = 1)

    private fun setTurns(
        bytes: ByteBuffer,
        width: Int,
        height: Int,
        rowStride: Int,
        first: Int,
    ) {
        size(width, height)
        val chroma = rowStride * height
        y.set(bytes, 0, rowStride, 1)
        u.set(bytes, chroma + first, rowStride, 2)
        v.set(bytes, chroma + 1 - first, rowStride, 2)
    }

    private fun size(
        width: Int,
        height: Int,
    ) {
        this.width = width
        this.height = height
    }

    private companion object {
        const val PLANES = 3
        const val HALF_TURN = 180
        val NOTHING: ByteBuffer = ByteBuffer.allocate(0)
    }
}
