package pan.demo.live

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class NewestTest {
    private val newest = Newest(1)

    @Test
    fun whatWasNotTakenInTimeIsReplacedByWhatIsNewer() {
        assertTrue(put(1))
        assertFalse(put(2))
        assertFalse(put(3))
        assertEquals(2, newest.replaced)
        assertEquals(3, newest.take()?.get(0)?.toInt())
        assertNull(newest.take())
        assertTrue(put(4))
    }

    @Test
    fun whatWasTakenStaysAsItIsWhileNewerComes() {
        put(1)
        val taken = checkNotNull(newest.take())
        put(2)
        put(3)
        assertEquals(1, taken.get(0).toInt())
    }

    @Test
    fun theStartOfAStreamIsKeptWhenItsFramesAreReplaced() {
        put(1, first = true)
        put(2)
        newest.take()
        assertTrue(newest.takenFirst)
        put(3)
        newest.take()
        assertFalse(newest.takenFirst)
    }

    private fun put(
        value: Int,
        first: Boolean = false,
    ) = newest.put(first) { it.put(value.toByte()) }
}
