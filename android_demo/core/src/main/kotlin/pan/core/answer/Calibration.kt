package pan.core.answer

import kotlin.math.exp

/**
 * Probabilities of logits, calibrated; what no class is probable enough for is unknown.
 *
 * @property temperature Logits are divided by it; 1 leaves them as they are.
 * @property unknownBelow Probability that the most probable class must have; null where every
 *   answer counts.
 */
class Calibration(
    val temperature: Double = 1.0,
    val unknownBelow: Double? = null,
) {
    init {
        require(temperature > 0) { "a temperature of $temperature" }
    }

    /**
     * Softmax over the logits, in 64-bit floating point.
     *
     * @param logits `(classes)`.
     * @param probabilities Gets `(classes)`.
     */
    fun probabilities(
        logits: FloatArray,
        probabilities: DoubleArray,
    ) {
        var largest = logits[0]
        for (logit in logits) if (logit > largest) largest = logit
        var sum = 0.0
        for (place in logits.indices) {
            val power = exp((logits[place].toDouble() - largest) / temperature)
            probabilities[place] = power
            sum += power
        }
        for (place in logits.indices) probabilities[place] /= sum
    }

    /** Whether the answer is "unknown". */
    fun isUnknown(probabilities: DoubleArray): Boolean {
        if (unknownBelow == null) return false
        for (probability in probabilities) if (probability >= unknownBelow) return false
        return true
    }
}
