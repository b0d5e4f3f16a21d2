package pan.demo.views

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import pan.demo.R
import java.nio.ByteBuffer

/** Draws over the camera preview: the outline of the part that the model sees, and its motion as heat. */
class HeatView
    @JvmOverloads
    constructor(
        context: Context,
        attributes: AttributeSet? = null,
    ) : View(context, attributes) {
        private val outline =
            Paint(Paint.ANTI_ALIAS_FLAG).apply {
                style = Paint.Style.STROKE
                strokeWidth = resources.displayMetrics.density
                color = context.getColor(R.color.crop_outline)
            }
        private val glow =
            Paint(Paint.FILTER_BITMAP_FLAG).apply { color = context.getColor(R.color.heat) }
        private val placed = Matrix()
        private val source = RectF()
        private var heat: Bitmap? = null
        private var mask = ByteBuffer.allocate(0)

        /** The part of this view that the model sees, in pixels; empty shows nothing. */
        val seen = RectF()

        /** Whether the preview is mirrored, as that of a front camera is. */
        var mirrored = false

        /** Removes the heat. */
        fun clear() {
            if (heat == null) return
            heat = null
            invalidate()
        }

        /**
         * Shows strengths of motion.
         *
         * @param strengths 0 (none) to 1, row by row.
         * @param width Number of strengths in a row.
         */
        fun show(
            strengths: FloatArray,
            width: Int,
        ) {
            val height = strengths.size / width
            // A mask of opacity alone: the order of colours in a bitmap differs between platforms.
            val bitmap =
                heat?.takeIf { it.width == width && it.height == height }
                    ?: Bitmap.createBitmap(width, height, Bitmap.Config.ALPHA_8)
            if (mask.capacity() != bitmap.rowBytes * height) mask = ByteBuffer.allocate(bitmap.rowBytes * height)
            for (place in strengths.indices) {
                val opacity = MOST_OPAQUE * strengths[place].coerceIn(0f, 1f)
                mask.put(place / width * bitmap.rowBytes + place % width, opacity.toInt().toByte())
            }
            mask.rewind()
            bitmap.copyPixelsFromBuffer(mask)
            heat = bitmap
            invalidate()
        }

        override fun onDraw(canvas: Canvas) {
            if (seen.isEmpty) return
            heat?.let {
                source.set(0f, 0f, it.width.toFloat(), it.height.toFloat())
                placed.setRectToRect(source, seen, Matrix.ScaleToFit.FILL)
                if (mirrored) placed.postScale(-1f, 1f, seen.centerX(), 0f)
                canvas.drawBitmap(it, placed, glow)
            }
            canvas.drawRect(seen, outline)
        }

        private companion object {
            const val MOST_OPAQUE = 220
        }
    }
