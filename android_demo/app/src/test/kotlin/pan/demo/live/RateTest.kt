package pan.demo.live

import org.junit.Assert.assertEquals
import org.junit.Test

class RateTest {
    private val rate = Rate()

    @Test
    fun itIsTheRateOfTheLastTwoSeconds() {
        for (event in 0 until 20) rate.count(event * 100_000_000L)
        assertEquals(10f, rate.newest(), 1e-3f)
        for (event in 1..300) rate.count(1_900_000_000L + event * 20_000_000L)
        assertEquals(50f, rate.newest(), 1e-3f)
    }

    @Test
    fun slowEventsHaveARateToo() {
        rate.count(0)
        assertEquals(0f, rate.newest(), 0f)
        rate.count(5_000_000_000L)
        assertEquals(0.2f, rate.newest(), 1e-6f)
    }
}
