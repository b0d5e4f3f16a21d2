package pan.core.sampling

import pan.core.Case
import pan.core.Golden
import pan.core.bundle.SamplingSpec
import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Frames are their numbers. */
class LiveWindowTest {
    private val cases = Golden.cases("preprocessing.json", "live")
    private val frame = ByteBuffer.allocate(Int.SIZE_BYTES)

    private data class Found(
        val at: Int,
        val frames: List<Int>,
        val first: Boolean,
    )

    private fun sampling(case: Case): SamplingSpec {
        val live = case.case("live")
        val rate = if (case.has("frame_rate")) case.number("frame_rate") else null
        return SamplingSpec(rate, live.number("stride"), live.number("window_frames"), live.number("early"), live.number("late"))
    }

    private fun window(case: Case) = LiveWindow(sampling(case), case.whole("segments"), case.whole("stack"), Int.SIZE_BYTES)

    private fun numbers(buffer: ByteBuffer): List<Int> {
        val view = buffer.duplicate()
        return List(view.remaining() / Int.SIZE_BYTES) { view.getInt() }
    }

    private fun run(
        case: Case,
        window: LiveWindow = window(case),
        ignoring: Boolean = false,
        after: (List<Found>) -> Unit = {},
    ): List<Found> {
        val found = ArrayList<Found>()
        case.numbers("times").forEachIndexed { number, time ->
            frame.putInt(0, number)
            if (ignoring && window.ignores(time)) return@forEachIndexed
            val before = found.size
            val told = window.push(frame, time) { frames, _, isFirst -> found += Found(number, numbers(frames), isFirst) }
            assertEquals(found.size - before, told)
            if (told > 0) after(found)
        }
        return found
    }

    private fun expected(case: Case) = case.cases("result").map { Found(it.whole("at"), it.wholes("frames"), it.flag("first")) }

    @Test
    fun `segments of live video are those of the Python package`() {
        for (case in cases) assertEquals(expected(case), run(case), case.text("name"))
    }

    @Test
    fun `frames out of order need not be prepared`() {
        var ignored = 0
        for (case in cases) {
            val window = window(case)
            assertEquals(expected(case), run(case, window, ignoring = true), case.text("name"))
            window.reset()
            for ((number, time) in case.numbers("times").withIndex()) {
                frame.putInt(0, number)
                if (window.ignores(time)) ignored++
                window.push(frame, time) { _, _, _ -> }
            }
        }
        assertTrue(ignored > 0)
    }

    @Test
    fun `a clip is the last segments in their order`() {
        for (case in cases) {
            val segments = case.whole("segments")
            val window = window(case)
            val clip = ByteBuffer.allocateDirect(segments * case.whole("stack") * Int.SIZE_BYTES)
            var clips = 0
            run(case, window) { found ->
                val since = found.drop(maxOf(0, found.indexOfLast { it.first }))
                assertEquals(since.size >= segments, window.isFull, case.text("name"))
                if (window.isFull) {
                    window.readClip(clip)
                    assertEquals(since.takeLast(segments).flatMap { it.frames }, numbers(clip), case.text("name"))
                    clips++
                }
            }
            assertTrue(clips > 0, case.text("name"))
        }
    }

    @Test
    fun `after a reset all starts anew`() {
        for (case in cases) {
            val window = window(case)
            run(case, window)
            window.reset()
            assertFalse(window.isFull)
            assertEquals(expected(case), run(case, window), case.text("name"))
        }
    }

    @Test
    fun `numbers of segments go on after a silence`() {
        val case = cases.single { it.text("name") == "a silence longer than a clip" }
        val numbers = ArrayList<Int>()
        val window = window(case)
        for (time in case.numbers("times")) window.push(frame, time) { _, number, _ -> numbers += number }
        assertEquals(numbers.indices.toList(), numbers)
    }

    @Test
    fun `a time that is no number and a frame of another size are refused`() {
        val window = window(cases.first())
        assertFailsWith<IllegalArgumentException> { window.push(frame, Double.NaN) { _, _, _ -> } }
        assertFailsWith<IllegalArgumentException> { window.push(ByteBuffer.allocate(3), 0.0) { _, _, _ -> } }
    }
}
