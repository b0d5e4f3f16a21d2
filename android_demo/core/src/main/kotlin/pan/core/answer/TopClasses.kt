package pan.core.answer

/**
 * The most probable classes, kept up to date without allocating.
 *
 * @param count Number of classes to keep.
 * @param classes Number of all classes.
 */
class TopClasses(
    count: Int,
    classes: Int,
) {
    /** Numbers of the classes, the most probable first; of equal ones, the first in the labels. */
    val places: IntArray = IntArray(minOf(count, classes))

    /** Finds the most probable classes of `(classes)` probabilities. */
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
