package pan.core.answer

/**
 * The mean of the probabilities of the last answers.
 *
 * ```
 * val smoothing = Smoothing(steps = 4, classes = labels.size)
 * smoothing.add(probabilities)
 * smoothing.mean                  // (classes)
 * ```
 *
 * @param steps How many answers count, N at most: 1 takes each as it is.
 * @param classes Number of classes.
 */
class Smoothing(
    private val steps: Int,
    classes: Int,
) {
    /** The mean over the answers so far, at most the last [steps]. */
    val mean: DoubleArray = DoubleArray(classes)

    private val recent = Array(steps) { DoubleArray(classes) }
    private var count = 0

    /** Takes the next answer. */
    fun add(probabilities: DoubleArray) {
        probabilities.copyInto(recent[count % steps])
        count++
        val used = minOf(count, steps)
        for (place in mean.indices) {
            var sum = 0.0
            for (step in 0 until used) sum += recent[step][place]
            mean[place] = sum / used
        }
    }

    /** Forgets all answers. */
    fun reset() {
        count = 0
        mean.fill(0.0)
    }
}
