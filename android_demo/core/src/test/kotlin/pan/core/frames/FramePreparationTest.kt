package pan.core.frames

import pan.core.Case
import pan.core.Golden
import pan.core.sha256
import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class FramePreparationTest {
    private fun prepared(case: Case): ByteArray {
        val (height, width) = case.wholes("frame")
        val input = case.input("input")
        val target = ByteBuffer.allocate(input.frameBytes)
        FramePreparation(input).prepare(goldenFrame(height, width), target)
        return target.array()
    }

    @Test
    fun `frames of every size are brought to that of the model`() {
        for (case in Golden.cases("preprocessing.json", "frame")) {
            assertEquals(case.case("result").text("sha256"), sha256(prepared(case)), case.toString())
        }
    }

    @Test
    fun `frames are scaled in version 1 for old bundles`() {
        for (case in Golden.cases("android.json", "early_frame")) {
            assertEquals(case.text("prepared"), sha256(prepared(case)), case.toString())
        }
    }

    @Test
    fun `both versions of resizing scale any frame`() {
        for (case in Golden.cases("resizing.json")) {
            val (frameHeight, frameWidth) = case.wholes("frame")
            val (height, width) = case.wholes("size")
            val scaled = Scaler.of(case.whole("version")).scale(goldenFrame(frameHeight, frameWidth), height, width)
            assertEquals(case.text("sha256"), sha256(scaled.bytes, height * width * 3), case.toString())
        }
    }

    @Test
    fun `another version of resizing is refused`() {
        assertFailsWith<IllegalArgumentException> { Scaler.of(3) }
    }
}
