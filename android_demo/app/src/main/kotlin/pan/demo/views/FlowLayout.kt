package pan.demo.views

import android.content.Context
import android.util.AttributeSet
import android.view.View
import android.view.ViewGroup

/** Lays out its children in lines and wraps like text, so that no button is cut off when the font is large. */
class FlowLayout
    @JvmOverloads
    constructor(
        context: Context,
        attributes: AttributeSet? = null,
    ) : ViewGroup(context, attributes) {
        override fun onMeasure(
            widthMeasureSpec: Int,
            heightMeasureSpec: Int,
        ) {
            val bounded = MeasureSpec.getMode(widthMeasureSpec) != MeasureSpec.UNSPECIFIED
            val given = MeasureSpec.getSize(widthMeasureSpec) - paddingLeft - paddingRight
            val limit = if (bounded) given else Int.MAX_VALUE
            val childWidth = if (bounded) MeasureSpec.makeMeasureSpec(limit, MeasureSpec.AT_MOST) else widthMeasureSpec
            val childHeight = MeasureSpec.makeMeasureSpec(0, MeasureSpec.UNSPECIFIED)
            shown().forEach { it.measure(childWidth, childHeight) }
            val lines = lines(limit)
            val width = lines.maxOfOrNull { line -> line.sumOf { it.measuredWidth } } ?: 0
            val height = lines.sumOf { line -> line.maxOf { it.measuredHeight } }
            setMeasuredDimension(
                resolveSize(width + paddingLeft + paddingRight, widthMeasureSpec),
                resolveSize(height + paddingTop + paddingBottom, heightMeasureSpec),
            )
        }

        override fun onLayout(
            changed: Boolean,
            left: Int,
            top: Int,
            right: Int,
            bottom: Int,
        ) {
            val width = right - left
            val rightToLeft = layoutDirection == LAYOUT_DIRECTION_RTL
            var y = paddingTop
            for (line in lines(width - paddingLeft - paddingRight)) {
                val height = line.maxOf { it.measuredHeight }
                var x = paddingStart
                for (child in line) {
                    val start = if (rightToLeft) width - x - child.measuredWidth else x
                    val above = y + (height - child.measuredHeight) / 2
                    child.layout(start, above, start + child.measuredWidth, above + child.measuredHeight)
                    x += child.measuredWidth
                }
                y += height
            }
        }

        private fun shown(): List<View> = (0 until childCount).map(::getChildAt).filter { it.visibility != GONE }

        private fun lines(limit: Int): List<List<View>> {
            val lines = mutableListOf<MutableList<View>>()
            var used = 0
            for (child in shown()) {
                if (lines.isEmpty() || used + child.measuredWidth > limit) {
                    lines += mutableListOf<View>()
                    used = 0
                }
                lines.last() += child
                used += child.measuredWidth
            }
            return lines
        }
    }
