package pan.demo.live

/** Measures how often something happens, over the last two seconds. Counting allocates nothing. */
class Rate {
    private val times = LongArray(SIZE)
    private var count = 0

    /** Counts an event. */
    @Synchronized
    fun count(nanoseconds: Long) {
        times[count++ % SIZE] = nanoseconds
    }

    /** Events per second; 0 if there were fewer than two. */
    @Synchronized
    fun newest(): Float {
        if (count < 2) return 0f
        val last = times[(count - 1) % SIZE]
        var first = count - 1
        while (first > maxOf(0, count - SIZE) && last - times[(first - 1) % SIZE] < WINDOW) first--
        if (first == count - 1) first--
        return (count - 1 - first) * SECOND / (last - times[first % SIZE])
    }

    private companion object {
        const val SIZE = 128
        const val WINDOW = 2_000_000_000L
        const val SECOND = 1e9f
    }
}
