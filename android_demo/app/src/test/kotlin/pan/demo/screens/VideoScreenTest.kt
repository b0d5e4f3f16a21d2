package pan.demo.screens

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.core.sampling.WholeVideo
import pan.demo.AppRule
import pan.demo.FakeVideos
import pan.demo.R
import pan.demo.zipOfCalibrated
import java.text.NumberFormat
import kotlin.math.exp

@RunWith(RobolectricTestRunner::class)
class VideoScreenTest {
    @get:Rule
    val app = AppRule()

    @Test
    fun aVideoIsSampledAsInEvaluationAndAnswered() {
        val videos = FakeVideos(pictures = 40)
        app.videos = videos
        app.start()
        app.go(R.id.tab_video)
        app.pick(R.id.pick_video, "content://videos/wave.mp4")
        app.until("there is an answer") { app.isShown(R.id.video_label) }
        assertEquals("wave.mp4", app.text(R.id.video_name))
        assertTrue(app.text(R.id.video_times).startsWith("40 frames"))
        val input = app.bundle(app.bundles.first()).input
        assertEquals(
            WholeVideo
                .frames(40, input)
                .distinct()
                .sorted(),
            videos.read,
        )
    }

    @Test
    fun probabilitiesHaveTheTemperatureOfTheBundleAndLowOnesAreUnknown() {
        app.start()
        app.go(R.id.tab_models)
        for ((name, temperature, threshold) in listOf(Triple("cool", 1.0, null), Triple("warm", 4.0, null), Triple("sure", 4.0, 0.99))) {
            app.import(app.zipOfCalibrated(app.bundles.first(), temperature, threshold), "$name.zip")
            app.until("it is in use") { app.text(R.id.model_in_use).isNotEmpty() && app.text(R.id.model_status).contains("pass") && app.isShown(R.id.remove_bundle) }
            app.go(R.id.tab_video)
            app.pick(R.id.pick_video, "content://videos/wave.mp4")
            app.until("there is an answer") { app.isShown(R.id.video_label) }
            // The fake engine gives the classes the logits 0, 1, 2 ...
            val classes = app.bundle(app.bundles.first()).labels.size
            val best = 1 / (0 until classes).sumOf { exp((it - (classes - 1)) / temperature) }
            assertEquals(NumberFormat.getPercentInstance().format(best.toFloat()), app.text(R.id.score_share))
            val label = app.bundle(app.bundles.first()).labels.last()
            assertEquals(if (threshold == null) label else "Unknown: no class is above 99%", app.text(R.id.video_label))
            app.go(R.id.tab_models)
        }
    }

    @Test
    fun aVideoThatCannotBeDecodedIsASentence() {
        app.videos = FakeVideos(problem = "the decoder gives nothing")
        app.start()
        app.go(R.id.tab_video)
        app.pick(R.id.pick_video, "content://videos/broken.mp4")
        app.until("it says so") { app.isShown(R.id.video_error) }
        assertEquals("The video cannot be read (the decoder gives nothing). Pick another one.", app.text(R.id.video_error))
        assertTrue(app.view(R.id.pick_video).isEnabled)
    }
}
