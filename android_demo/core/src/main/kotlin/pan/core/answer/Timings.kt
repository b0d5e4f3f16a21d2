package pan.core.answer

import kotlin.math.floor

/**
 * Percentiles of the last measurements, such as milliseconds of a call.
 *
 * Adding allocates nothing; percentiles are interpolated, as NumPy does by default.
 *
 * @param capacity How many measurements are kept; older ones are forgotten.
 */
class Timings(
    capacity: Int,
) {
    private val values = DoubleArray(capacity)
    private val sorted = DoubleArray(capacity)
    private var added = 0L

    /** Number of measurements kept now. */
    val count: Int get() = minOf(added, values.size.toLong()).toInt()

    /** The median; NaN where there is no measurement. */
    val p50: Double get() = percentile(50.0)

    /** The 90th percentile; NaN where there is no measurement. */
    val p90: Double get() = percentile(90.0)

    /** Takes a measurement. */
    fun add(value: Double) {
        values[(added++ % values.size).toInt()] = value
    }

    /**
     * A percentile of what is kept.
     *
     * @param share From 0 to 100.
     */
    fun percentile(share: Double): Double {
        val count = count
        if (count == 0) return Double.NaN
        values.copyInto(sorted, 0, 0, count)
        sorted.sort(0, count)
        val place = (count - 1) * share / 100
        val below = floor(place).toInt()
        val above = minOf(below + 1, count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
    }

    /** Forgets all measurements. */
    fun reset() {
        added = 0
    }
}
