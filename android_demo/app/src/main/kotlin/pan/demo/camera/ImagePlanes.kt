package pan.demo.camera

import android.media.Image
import pan.core.frames.YuvPicture

/**
 * Makes a picture refer to the visible part of an `Image` in YUV 4:2:0, without copying.
 *
 * @param rotation Degrees to the right that make it upright.
 */
fun YuvPicture.set(
    image: Image,
    rotation: Int,
) {
    val crop = image.cropRect
    width = crop.width()
    height = crop.height()
    this.rotation = rotation
    val given = image.planes
    for (number in given.indices) {
        val plane = given[number]
        val part = if (number == 0) 1 else 2
        val offset = crop.top / part * plane.rowStride + crop.left / part * plane.pixelStride
        planes[number].set(plane.buffer, offset, plane.rowStride, plane.pixelStride)
    }
}
