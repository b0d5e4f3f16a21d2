package pan.core.answer

import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class ConfidenceTest {
    @Test
    fun `probabilities and unknown answers are those of the Python package`() {
        for (case in Golden.cases("android.json", "answer")) {
            val confidence = Confidence(case.number("temperature"), if (case.has("threshold")) case.number("threshold") else null)
            val logits = case.numbers("logits").map { it.toFloat() }.toFloatArray()
            val found = DoubleArray(logits.size)
            confidence.probabilities(logits, found)
            case.numbers("probabilities").forEachIndexed { place, wanted -> assertEquals(wanted, found[place], 1e-15) }
            assertEquals(case.flag("unknown"), confidence.isUnknown(found), case.toString())
        }
    }

    @Test
    fun `an answer is unknown up to the threshold`() {
        val confidence = Confidence(threshold = 0.6)
        assertTrue(confidence.isUnknown(doubleArrayOf(0.5, 0.3, 0.2)))
        assertTrue(confidence.isUnknown(doubleArrayOf(0.1, 0.6, 0.3)))
        assertFalse(confidence.isUnknown(doubleArrayOf(0.1, 0.6000001, 0.2999999)))
        assertFalse(Confidence().isUnknown(doubleArrayOf(0.01, 0.01)))
    }

    @Test
    fun `values out of their range are refused`() {
        for (temperature in listOf(0.0, -1.0, 0.0009, 1001.0, Double.NaN)) {
            assertFailsWith<IllegalArgumentException>("$temperature") { Confidence(temperature) }
        }
        for (threshold in listOf(-0.1, 1.1, Double.NaN)) {
            assertFailsWith<IllegalArgumentException>("$threshold") { Confidence(threshold = threshold) }
        }
    }
}
