package pan.core.frames

import java.nio.ByteBuffer

/** Sample of a plane of the pictures of `tests/android_cases.py`. */
private fun sample(
    plane: Int,
    row: Int,
    column: Int,
) = (7 * row * row + 3 * column * column + 5 * row * column + 31 * row + 89 * plane).toByte()

/** Ways in which decoders and cameras lay out the same picture. */
internal enum class Layout { I420, I420_PADDED, NV12, NV12_PADDED, NV21 }

/** A picture with what lies between its rows filled with other values. */
internal fun picture(
    width: Int,
    height: Int,
    layout: Layout = Layout.I420,
): YuvPicture {
    val across = (width + 1) / 2
    val down = (height + 1) / 2
    val padding = if (layout == Layout.I420_PADDED || layout == Layout.NV12_PADDED) 13 else 0
    val inTurns = layout in setOf(Layout.NV12, Layout.NV12_PADDED, Layout.NV21)
    val stride = if (layout == Layout.I420) width else width + width % 2 + padding
    val chromaStride = if (inTurns) stride else across + padding
    val chroma = stride * height
    val bytes = ByteBuffer.allocateDirect(chroma + (if (inTurns) 1 else 2) * chromaStride * down)
    for (place in 0 until bytes.capacity()) bytes.put(place, 77)
    val picture = YuvPicture(width, height)
    when (layout) {
        Layout.I420 -> {
            picture.setI420(bytes, width, height)
        }

        Layout.NV12, Layout.NV12_PADDED -> {
            picture.setNv12(bytes, width, height, stride)
        }

        Layout.NV21 -> {
            picture.setNv21(bytes, width, height)
        }

        Layout.I420_PADDED -> {
            picture.y.set(bytes, 0, stride, 1)
            picture.u.set(bytes, chroma, chromaStride, 1)
            picture.v.set(bytes, chroma + chromaStride * down, chromaStride, 1)
        }
    }
    for (row in 0 until height) for (column in 0 until width) bytes.put(row * stride + column, sample(0, row, column))
    for (row in 0 until down) {
        for (column in 0 until across) {
            val (u, v) =
                when (layout) {
                    Layout.NV12, Layout.NV12_PADDED -> Pair(2 * column, 2 * column + 1)
                    Layout.NV21 -> Pair(2 * column + 1, 2 * column)
                    else -> Pair(column, chromaStride * down + column)
                }
            bytes.put(chroma + row * chromaStride + u, sample(1, row, column))
            bytes.put(chroma + row * chromaStride + v, sample(2, row, column))
        }
    }
    return picture
}

/** The frame of `golden_frame` in `tests/preprocessing_cases.py`. */
internal fun goldenFrame(
    height: Int,
    width: Int,
): RgbFrame {
    val frame = RgbFrame(height, width)
    var place = 0
    for (y in 0 until height) {
        for (x in 0 until width) {
            for (colour in 0 until 3) frame.bytes[place++] = (3 * x * x + 5 * y * y + 7 * x * y + 85 * colour).toByte()
        }
    }
    return frame
}
