package pan.core.answer

import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class AnswerTest {
    private fun probabilities(
        logits: FloatArray,
        calibration: Calibration = Calibration(),
    ) = DoubleArray(logits.size).also { calibration.probabilities(logits, it) }

    @Test
    fun `probabilities are those of the Python package`() {
        for (case in Golden.cases("android.json", "answer")) {
            val found = probabilities(case.numbers("logits").map { it.toFloat() }.toFloatArray())
            case.numbers("probabilities").forEachIndexed { place, wanted -> assertEquals(wanted, found[place], 1e-15) }
        }
    }

    @Test
    fun `a temperature divides the logits`() {
        val logits = floatArrayOf(3f, -1f, 0.5f)
        val halved = floatArrayOf(1.5f, -0.5f, 0.25f)
        assertContentEquals(probabilities(halved), probabilities(logits, Calibration(temperature = 2.0)))
        assertFailsWith<IllegalArgumentException> { Calibration(temperature = 0.0) }
    }

    @Test
    fun `an answer below the threshold is unknown`() {
        val calibration = Calibration(unknownBelow = 0.6)
        assertTrue(calibration.isUnknown(doubleArrayOf(0.5, 0.3, 0.2)))
        assertFalse(calibration.isUnknown(doubleArrayOf(0.1, 0.6, 0.3)))
        assertFalse(Calibration().isUnknown(doubleArrayOf(0.01, 0.01)))
    }

    @Test
    fun `the most probable classes come first and equal ones in the order of the labels`() {
        val top = TopClasses(3, 5)
        top.update(doubleArrayOf(0.1, 0.3, 0.1, 0.4, 0.1))
        assertEquals(listOf(3, 1, 0), top.places.toList())
        top.update(doubleArrayOf(0.2, 0.2, 0.2, 0.2, 0.2))
        assertEquals(listOf(0, 1, 2), top.places.toList())
        assertEquals(2, TopClasses(3, 2).places.size)
    }

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
