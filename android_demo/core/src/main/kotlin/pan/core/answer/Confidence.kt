package pan.core.answer

import kotlin.math.exp

/**
 * How logits become probabilities, and which of them are too low for an answer.
 *
 * ```
 * bundle.confidence.probabilities(logits, probabilities)    // (classes), (classes)
 * if (bundle.confidence.isUnknown(probabilities)) ...
 * ```
 *
 * @property temperature Logits are divided by it, 0.001 to 1000; 1 of a bundle that was not calibrated.
 * @property threshold The answer is unknown unless the largest probability, 0 to 1, is above it; null where every
 *   answer counts.
 * @throws IllegalArgumentException If one of them is out of its range.
 */
data class Confidence(
    val temperature: Double = 1.0,
    val threshold: Double? = null,
) {
    init {
        require(temperature in LOWEST..HIGHEST) { "a temperature of $temperature" }
        require(threshold == null || threshold in 0.0..1.0) { "a threshold of $threshold" }
    }

    /**
     * Computes the softmax of the logits over the temperature, in 64-bit floating point.
     *
     * @param logits `(classes)`.
     * @param probabilities Receives `(classes)`.
     */
    fun probabilities(
        logits: FloatArray,
        probabilities: DoubleArray,
    ) {
        var largest = logits[0]
        for (logit in logits) if (logit > largest) largest = logit
        var sum = 0.0
        for (place in logits.indices) {
            val power = exp(logits[place] / temperature - largest / temperature)
            probabilities[place] = power
            sum += power
        }
        for (place in logits.indices) probabilities[place] /= sum
    }

    /** Whether no class is probable enough for an answer. */
    fun isUnknown(probabilities: DoubleArray): Boolean {
        val least = threshold ?: return false
        for (probability in probabilities) if (probability > least) return false
        return true
    }

    internal companion object {
        const val LOWEST = 0.001
        const val HIGHEST = 1000.0
    }
}
