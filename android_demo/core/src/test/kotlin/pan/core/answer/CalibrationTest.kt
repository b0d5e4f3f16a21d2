package pan.core.answer

import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class CalibrationTest {
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
}
