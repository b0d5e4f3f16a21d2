package pan.demo.camera

import android.graphics.Matrix
import android.graphics.RectF
import pan.demo.PreviewGeometry

private const val QUARTER_DEGREES = 90f

/**
 * Lays the picture of a `TextureView`, which fills the whole view whatever its proportions, upright
 * and whole into the middle of it.
 *
 * @param geometry Geometry of the preview; width and height are those of the upright picture.
 * @return The transform for `TextureView.setTransform`.
 */
fun previewMatrix(
    viewWidth: Float,
    viewHeight: Float,
    geometry: PreviewGeometry,
): Matrix {
    val shown = shownPicture(viewWidth, viewHeight, geometry)
    val turned = geometry.displayRotation % 2 == 1
    // Before the turn, for that is how the texture lies.
    val width = if (turned) shown.height() else shown.width()
    val height = if (turned) shown.width() else shown.height()
    val matrix = Matrix()
    val middleX = viewWidth / 2
    val middleY = viewHeight / 2
    matrix.setScale(width / viewWidth, height / viewHeight, middleX, middleY)
    matrix.postRotate(-QUARTER_DEGREES * geometry.displayRotation, middleX, middleY)
    return matrix
}

/** Where the upright picture stands in its view. */
fun shownPicture(
    viewWidth: Float,
    viewHeight: Float,
    geometry: PreviewGeometry,
): RectF {
    val scale = minOf(viewWidth / geometry.width, viewHeight / geometry.height)
    val width = geometry.width * scale
    val height = geometry.height * scale
    val left = (viewWidth - width) / 2
    val top = (viewHeight - height) / 2
    return RectF(left, top, left + width, top + height)
}

/** Where the part that the model sees stands in the view; on the other side in a mirror. */
fun seenInView(
    viewWidth: Float,
    viewHeight: Float,
    geometry: PreviewGeometry,
): RectF {
    val shown = shownPicture(viewWidth, viewHeight, geometry)
    val seen = geometry.seen
    val from = if (geometry.mirrored) 1 - seen.right else seen.left
    val to = if (geometry.mirrored) 1 - seen.left else seen.right
    return RectF(
        shown.left + from * shown.width(),
        shown.top + seen.top * shown.height(),
        shown.left + to * shown.width(),
        shown.top + seen.bottom * shown.height(),
    )
}
