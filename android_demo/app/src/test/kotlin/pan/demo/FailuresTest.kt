package pan.demo

import android.widget.RadioGroup
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.core.frames.YuvPicture
import pan.demo.video.Video
import pan.demo.video.VideoSource

/** Whatever a runtime throws, a screen says so, and the app goes on. */
@RunWith(RobolectricTestRunner::class)
class FailuresTest {
    @get:Rule
    val app = AppRule()

    private val unexpected = "Something happened that the app did not expect (the kernel is lost). Try again, or choose another model."
    private val noMemory get() = app.activity.getString(R.string.no_memory)

    @Test
    fun aRuntimeThatThrowsWhileLiveIsASentenceAndCanBeTriedAgain() {
        for ((sentence, failure) in failures()) {
            live()
            app.fakeEngines.failure = failure
            app.deliver(90)
            app.until("it says so") { app.text(R.id.stage_text) == sentence() }
            assertEquals("the camera is released", null, app.fakeCamera.listener)
            app.fakeEngines.failure = null
            app.click(R.id.stage_action)
            app.until("the camera is open again") { app.fakeCamera.listener != null }
            app.deliver(150)
            app.until("there are answers") { app.isShown(R.id.rates) }
            app.controller
                .pause()
                .stop()
                .destroy()
        }
    }

    @Test
    fun aPictureThatCannotBePreparedIsASentenceAndNotTheEndOfTheApp() {
        live()
        app.fakeCamera.listener?.onFrame(YuvPicture(320, 240), 1_000_000_000L)
        app.until("it says so") { app.text(R.id.stage_text).startsWith("Something happened that the app did not expect") }
        assertEquals(null, app.fakeCamera.listener)
    }

    @Test
    fun aRuntimeThatThrowsAtLoadingIsASentenceOnEveryScreen() {
        for ((sentence, failure) in failures()) {
            app.fakeEngines.failure = failure
            app.permit()
            app.start()
            assertEquals(sentence(), app.text(R.id.model_in_use))
            assertEquals(sentence(), app.text(R.id.stage_text))
            for (tab in listOf(R.id.tab_video, R.id.tab_models, R.id.tab_check, R.id.tab_benchmark)) {
                app.go(tab)
                assertEquals(sentence(), app.text(R.id.model_in_use))
            }
            assertEquals("nothing stays open", 0, app.fakeEngines.open)
            app.fakeEngines.failure = null
            app.go(R.id.tab_live)
            app.click(R.id.stage_action)
            app.until("it is loaded") { app.fakeEngines.open == 1 && app.text(R.id.model_in_use) != app.activity.getString(R.string.model_loading) }
            assertFalse(app.text(R.id.model_in_use) == sentence())
            app.controller
                .pause()
                .stop()
                .destroy()
        }
    }

    @Test
    fun aRuntimeThatThrowsInTheCheckFailsItsFilesAlone() {
        app.start()
        app.fakeEngines.failure = { error("the kernel is lost") }
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it is done") { app.isShown(R.id.check_summary) }
        assertTrue(app.text(R.id.check_summary).startsWith("0 of"))
        assertEquals(unexpected, app.text(R.id.row_detail))
        app.fakeEngines.failure = null
    }

    @Test
    fun aRuntimeThatThrowsInTheBenchmarkLeavesTheOtherFiles() {
        app.start()
        app.go(R.id.tab_benchmark)
        app.activity.findViewById<android.widget.Switch>(R.id.sustained).isChecked = false
        app.fakeEngines.refused[app.modelsOf(app.bundles.first()).first()] = { error("the kernel is lost") }
        app.click(R.id.run_benchmark)
        app.until("it is done", 60) { app.isShown(R.id.share_benchmark) }
        assertEquals(app.activity.getString(R.string.not_measured), app.text(R.id.row_value))
        assertTrue(app.text(R.id.row_detail), app.text(R.id.row_detail).contains("the kernel is lost"))
        val last = (app.view(R.id.benchmark_rows) as android.view.ViewGroup).let { it.getChildAt(it.childCount - 1) }
        assertTrue(
            last
                .findViewById<android.widget.TextView>(R.id.row_value)
                .text
                .startsWith("p50"),
        )
    }

    @Test
    fun aDecoderThatThrowsIsASentence() {
        app.videos =
            VideoSource { _ ->
                object : Video {
                    override val name = "wave.mp4"
                    override val count = 40

                    override fun read(
                        wanted: IntArray,
                        take: (Int, YuvPicture) -> Boolean,
                    ) = error("the kernel is lost")

                    override fun close() = Unit
                }
            }
        app.start()
        app.go(R.id.tab_video)
        app.pick(R.id.pick_video, "content://videos/wave.mp4")
        app.until("it says so") { app.isShown(R.id.video_error) }
        assertEquals(unexpected, app.text(R.id.video_error))
        assertTrue(app.view(R.id.pick_video).isEnabled)
    }

    @Test
    fun anEngineThatCannotBeClosedGivesUpTheModelAndAnotherCanBeChosen() {
        app.start()
        app.fakeEngines.failureOfClose = { error("the kernel is lost") }
        app.go(R.id.tab_models)
        val files = app.view(R.id.file_choices) as RadioGroup
        val other = (0 until files.childCount).map(files::getChildAt).first { it.id != files.checkedRadioButtonId }
        val first = files.getChildAt(files.checkedRadioButtonId - 1)
        other.performClick()
        app.until("it says so") { app.text(R.id.model_status) == unexpected }
        app.fakeEngines.failureOfClose = null
        first.performClick()
        app.until("a model is loaded") { app.text(R.id.model_status).contains("the test vectors pass") }
        assertEquals(1, app.fakeEngines.open)
    }

    private fun live() {
        app.permit()
        app.start()
        app.openCamera()
        app.deliver(60)
    }

    /** What is thrown, with the sentence that the user is to read. */
    private fun failures(): List<Pair<() -> String, () -> Nothing>> =
        listOf(
            { unexpected } to { error("the kernel is lost") },
            { noMemory } to { throw OutOfMemoryError("64 MB") },
        )
}
