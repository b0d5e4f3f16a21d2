package pan.core.answer

import kotlin.test.Test
import kotlin.test.assertContentEquals

class SmoothingTest {
    @Test
    fun `smoothing is the mean of the last answers`() {
        val smoothing = Smoothing(2, 2)
        smoothing.add(doubleArrayOf(1.0, 0.0))
        assertContentEquals(doubleArrayOf(1.0, 0.0), smoothing.mean)
        smoothing.add(doubleArrayOf(0.5, 0.5))
        assertContentEquals(doubleArrayOf(0.75, 0.25), smoothing.mean)
        smoothing.add(doubleArrayOf(0.0, 1.0))
        assertContentEquals(doubleArrayOf(0.25, 0.75), smoothing.mean)
        smoothing.reset()
        assertContentEquals(doubleArrayOf(0.0, 0.0), smoothing.mean)
        smoothing.add(doubleArrayOf(0.0, 1.0))
        assertContentEquals(doubleArrayOf(0.0, 1.0), smoothing.mean)
    }
}
