package pan.demo.live

import android.widget.RadioGroup
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.demo.AppRule
import pan.demo.R
import pan.demo.texture
import java.lang.management.ManagementFactory

/** Counts what live recognition allocates, in the running app: camera, window, model thread, state. */
@RunWith(RobolectricTestRunner::class)
class LiveMemoryTest {
    @get:Rule
    val app = AppRule()

    private val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
    private val camera = Thread.currentThread().id // FakeCamera delivers on the thread of the test.
    private val pictures = List(8) { texture(it, 64, 48) }
    private var shown = 0

    @Test
    fun picturesCostNoMemoryOnTheirWayThroughTheApp() {
        app.permit()
        app.start()
        for (bundle in app.bundles.indices) {
            open(bundle)
            show(WARM_UP)
            val model = app.fakeEngines.thread
            val before = app.fakeEngines.calls
            val atCamera = threads.getThreadAllocatedBytes(camera)
            val atModel = threads.getThreadAllocatedBytes(model)
            // The main thread is busy: an answer waits to be shown, the others cost nothing.
            show(COUNTED)
            val byModel = threads.getThreadAllocatedBytes(model) - atModel
            val byCamera = threads.getThreadAllocatedBytes(camera) - atCamera
            val answers = app.fakeEngines.calls - before
            assertEquals("the model thread is the same", model, app.fakeEngines.thread)
            assertTrue("$answers answers", answers > COUNTED / 20)
            // Nothing is measured here, not even for measuring. The smallest object, once an answer, would be 16 bytes.
            assertTrue("${app.bundles[bundle]}: $byCamera bytes on the thread of the camera for $answers answers", byCamera < answers)
            assertTrue("${app.bundles[bundle]}: $byModel bytes on the model thread for $answers answers", byModel < answers)
        }
    }

    @Test
    fun anAnswerCostsTheStateThatShowsItAndNoMore() {
        app.permit()
        app.start()
        open(0)
        shown = 0
        repeat(WARM_UP) { showOne() }
        val model = app.fakeEngines.thread
        val before = app.fakeEngines.calls
        val atModel = threads.getThreadAllocatedBytes(model)
        repeat(COUNTED) { showOne() }
        val answers = app.fakeEngines.calls - before
        val each = (threads.getThreadAllocatedBytes(model) - atModel) / answers
        assertTrue("there are answers", answers > COUNTED / 20)
        assertTrue("$each bytes an answer", each in 1..8000)
    }

    private fun open(bundle: Int) {
        app.go(R.id.tab_models)
        (app.view(R.id.bundle_choices) as RadioGroup).getChildAt(bundle).performClick()
        app.until("its model is loaded") { app.text(R.id.model_status).contains("pass") }
        app.go(R.id.tab_live)
        app.openCamera()
    }

    /** Delivers pictures while the main thread does nothing else, and waits for the model. */
    private fun show(count: Int) {
        repeat(count) { deliver() }
        val end = System.nanoTime() + LONGEST
        var calls = -1
        while (calls != app.fakeEngines.calls && System.nanoTime() < end) {
            calls = app.fakeEngines.calls
            Thread.sleep(50)
        }
    }

    private fun showOne() {
        deliver()
        app.idle()
    }

    private fun deliver() {
        // A picture each 33 ms; the model is to keep up on a busy machine.
        app.fakeCamera.listener?.onFrame(pictures[shown % pictures.size], 1_000_000_000L + shown++ * 33_333_333L)
        Thread.sleep(1)
    }

    private companion object {
        const val WARM_UP = 400
        const val COUNTED = 3000
        const val LONGEST = 20_000_000_000L
    }
}
