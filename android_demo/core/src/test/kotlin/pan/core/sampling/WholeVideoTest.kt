package pan.core.sampling

import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class WholeVideoTest {
    @Test
    fun `frames of a whole video are those of evaluation`() {
        for (case in Golden.cases("preprocessing.json", "whole_video")) {
            val found = WholeVideo.frames(case.whole("frames"), case.whole("segments"), case.whole("stack"))
            assertEquals(case.lists("result").flatten(), found.toList(), case.toString())
        }
    }

    @Test
    fun `a video without frames is refused`() {
        assertFailsWith<IllegalArgumentException> { WholeVideo.frames(0, 8, 3) }
    }
}
