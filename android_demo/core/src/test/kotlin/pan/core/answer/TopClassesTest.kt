package pan.core.answer

import kotlin.test.Test
import kotlin.test.assertEquals

class TopClassesTest {
    @Test
    fun `the most probable classes come first and equal ones in the order of the labels`() {
        val top = TopClasses(3, 5)
        top.update(doubleArrayOf(0.1, 0.3, 0.1, 0.4, 0.1))
        assertEquals(listOf(3, 1, 0), top.places.toList())
        top.update(doubleArrayOf(0.2, 0.2, 0.2, 0.2, 0.2))
        assertEquals(listOf(0, 1, 2), top.places.toList())
        assertEquals(2, TopClasses(3, 2).places.size)
    }
}
