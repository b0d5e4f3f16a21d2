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

/**
 * The most probable classes, kept up to date without allocating.
 *
 * @param count How many.
 * @param classes How many there are.
 */
class TopClasses(
    count: Int,
    classes: Int,
) {
    /** Numbers of the classes, the most probable first; of equal ones, the first in the labels. */
    val places: IntArray = IntArray(minOf(count, classes))

    /** Finds them anew. */
    fun update(probabilities: DoubleArray) {
        for (rank in places.indices) {
            var best = -1
            for (place in probabilities.indices) {
                if (taken(place, rank)) continue
                if (best < 0 || probabilities[place] > probabilities[best]) best = place
            }
            places[rank] = best
        }
    }

    private fun taken(
        place: Int,
        rank: Int,
    ): Boolean {
        for (earlier in 0 until rank) if (places[earlier] == place) return true
        return false
    }
}
