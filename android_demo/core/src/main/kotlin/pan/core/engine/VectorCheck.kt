package pan.core.engine

import pan.core.bundle.Bundle
import pan.core.bundle.InputSpec
import pan.core.bundle.Vectors
import java.nio.ByteBuffer
import kotlin.math.abs

/**
 * What a model answered to the test vectors of its bundle.
 *
 * @property difference The largest difference of a logit.
 * @property allowed The largest that may be.
 * @property problem What is wrong; null where the model may be used.
 */
data class CheckResult(
    val difference: Float,
    val allowed: Float,
    val problem: String?,
) {
    /** Whether the model may be used. */
    val passed: Boolean get() = problem == null
}

/**
 * Compares a model on this phone with what it answered at export.
 *
 * Runtimes may answer wrongly without an error, so that a model and each way to run it are to be
 * checked before they are used.
 */
class VectorCheck(
    private val vectors: Vectors,
    private val input: InputSpec,
) {
    constructor(bundle: Bundle) : this(Vectors.read(bundle), bundle.input)

    /**
     * Runs a model over all clips; the states of a streaming model are zero before and after.
     *
     * @throws pan.core.bundle.BundleException If a clip has changed.
     */
    fun run(running: RunningModel): CheckResult {
        val file = running.model.file
        val expected =
            vectors.of(running.model) ?: return CheckResult(0f, 0f, "$file: the bundle has no test vectors of it")
        var furthest = 0f
        var problem: String? = null
        for (number in 0 until vectors.clips) {
            val clip = vectors.clip(number)
            val wanted = expected.logits[number]
            running.reset()
            for ((step, logits) in wanted.withIndex()) {
                part(clip, step, wanted.size)
                val found =
                    try {
                        running.run(clip)
                    } catch (error: EngineException) {
                        return CheckResult(Float.NaN, expected.maxDifference, error.message)
                    }
                val difference = difference(found, logits)
                furthest = maxOf(furthest, difference)
                if (problem == null) problem = problem(file, number, difference, expected.maxDifference, found, logits)
            }
        }
        running.reset()
        return CheckResult(furthest, expected.maxDifference, problem)
    }

    private fun part(
        clip: ByteBuffer,
        step: Int,
        steps: Int,
    ) {
        val bytes = input.clipBytes / steps
        clip.clear()
        clip.position(step * bytes)
        clip.limit((step + 1) * bytes)
    }

    private fun difference(
        found: FloatArray,
        wanted: FloatArray,
    ): Float {
        var furthest = 0f
        for (place in found.indices) furthest = maxOf(furthest, abs(found[place] - wanted[place]))
        return furthest
    }

    private fun problem(
        file: String,
        clip: Int,
        difference: Float,
        allowed: Float,
        found: FloatArray,
        wanted: FloatArray,
    ): String? =
        when {
            // Written so that a NaN is a difference.
            !(difference <= allowed) -> "$file: a logit of test clip $clip is off by $difference, more than $allowed"

            largest(found) != largest(wanted) -> "$file: another class of test clip $clip is the most probable"

            else -> null
        }

    private fun largest(logits: FloatArray): Int {
        var place = 0
        for (other in logits.indices) if (logits[other] > logits[place]) place = other
        return place
    }
}
