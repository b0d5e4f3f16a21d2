package pan.core.answer

import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class TimingsTest {
    @Test
    fun `percentiles are those of NumPy`() {
        for (case in Golden.cases("android.json", "timings")) {
            val timings = Timings(100)
            case.numbers("values").forEach(timings::add)
            assertEquals(case.number("p50"), timings.p50, 1e-12)
            assertEquals(case.number("p90"), timings.p90, 1e-12)
        }
    }

    @Test
    fun `only the last measurements count`() {
        val timings = Timings(2)
        listOf(100.0, 1.0, 3.0).forEach(timings::add)
        assertEquals(2, timings.count)
        assertEquals(2.0, timings.p50)
        timings.reset()
        assertTrue(timings.p50.isNaN())
    }
}
