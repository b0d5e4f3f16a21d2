package pan.demo.camera

import android.graphics.RectF
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.demo.PreviewGeometry
import pan.demo.Region

@RunWith(RobolectricTestRunner::class)
class PreviewMatrixTest {
    private val whole = Region(0f, 0f, 1f, 1f)

    @Test
    fun thePictureStandsWholeInTheMiddleWhateverTheTurnOfTheDisplay() {
        for (turns in 0..3) {
            val geometry = PreviewGeometry(320, 240, turns, false, whole)
            val view = RectF(0f, 0f, 400f, 600f)
            // The texture fills the view before the matrix lays it where the picture belongs.
            previewMatrix(400f, 600f, geometry).mapRect(view)
            assertNear(RectF(0f, 150f, 400f, 450f), view)
        }
    }

    @Test
    fun aTurnOfTheDisplayIsTakenBack() {
        val corner = floatArrayOf(0f, 0f)
        previewMatrix(400f, 300f, PreviewGeometry(400, 300, 1, false, whole)).mapPoints(corner)
        assertEquals(0f, corner[0], 1e-3f)
        assertEquals(300f, corner[1], 1e-3f)
    }

    @Test
    fun whatTheModelSeesIsOnTheOtherSideInAMirror() {
        val seen = Region(0.1f, 0.2f, 0.4f, 0.8f)
        val straight = seenInView(320f, 240f, PreviewGeometry(320, 240, 0, false, seen))
        val mirrored = seenInView(320f, 240f, PreviewGeometry(320, 240, 0, true, seen))
        assertNear(RectF(32f, 48f, 128f, 192f), straight)
        assertNear(RectF(192f, 48f, 288f, 192f), mirrored)
    }

    @Test
    fun picturesOfASensorThatLiesOnItsSideAreTurnedUpright() {
        // The usual phone: the back sensor is turned by 90 degrees, the front one by 270.
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map { Camera2Source.uprightDegrees(90, it, false) })
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map { Camera2Source.uprightDegrees(270, it, true) })
    }

    private fun assertNear(
        wanted: RectF,
        found: RectF,
    ) {
        assertEquals("$found", wanted.left, found.left, 1e-2f)
        assertEquals("$found", wanted.top, found.top, 1e-2f)
        assertEquals("$found", wanted.right, found.right, 1e-2f)
        assertEquals("$found", wanted.bottom, found.bottom, 1e-2f)
    }
}
