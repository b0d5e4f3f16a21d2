package pan.demo

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.widget.RadioGroup
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import pan.core.bundle.BundleException
import pan.demo.model.BundleStore
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

@RunWith(RobolectricTestRunner::class)
class AppTest {
    @get:Rule
    val app = AppRule()

    private val assets = RuntimeEnvironment.getApplication().assets
    private val names = BundleStore.inside(assets)

    @Test
    fun everyTabOpensItsScreen() {
        app.start()
        for ((tab, title) in TABS) {
            app.go(tab)
            assertEquals(app.activity.getString(title), app.text(R.id.title))
        }
    }

    @Test
    fun aModelThatIsPickedIsTheOneInUse() {
        app.start()
        app.go(R.id.tab_models)
        val files = app.view(R.id.file_choices) as RadioGroup
        val other = (0 until files.childCount).map(files::getChildAt).first { it.id != files.checkedRadioButtonId }
        other.performClick()
        app.until("it is loaded") { app.text(R.id.model_status).contains("the test vectors pass") }
        val chosen =
            app.fakeEngines.loads
                .last()
                .first
        assertTrue(app.text(R.id.model_in_use).contains(chosen))
        app.go(R.id.tab_video)
        assertTrue(app.text(R.id.model_in_use).contains(chosen))
        assertEquals(1, app.fakeEngines.open)
    }

    @Test
    fun anAccelerationThatFailsItsVectorsIsNotUsedAndTheReasonIsShown() {
        app.fakeEngines.offBy[Acceleration.NNAPI] = 50f
        app.start()
        app.go(R.id.tab_models)
        (app.view(R.id.acceleration_choices) as RadioGroup).getChildAt(2).performClick()
        app.until("it is refused") { app.text(R.id.model_status).contains("Not used") }
        assertTrue(app.text(R.id.model_status).contains("is off by 50"))
        assertTrue(app.text(R.id.model_status).contains("Processor: the test vectors pass"))
        assertEquals(
            Acceleration.CPU,
            app.fakeEngines.loads
                .last()
                .third,
        )
        assertEquals(1, app.fakeEngines.open)
    }

    @Test
    fun theChosenNumberOfThreadsReachesTheRuntime() {
        app.start()
        app.go(R.id.tab_models)
        app.activity.let { activity ->
            val bar = activity.findViewById<android.widget.SeekBar>(R.id.threads_bar)
            bar.progress = 0
            shadowOf(bar).onSeekBarChangeListener.onStopTrackingTouch(bar)
        }
        app.until("it is loaded with one thread") {
            app.fakeEngines.loads
                .last()
                .second == 1
        }
        assertEquals("1 thread, 4 cores", app.text(R.id.threads_value))
    }

    @Test
    fun aModelThatTheRuntimeRefusesIsASentenceOnEveryScreen() {
        names.forEach { name -> modelsOf(name).forEach { app.fakeEngines.refused[it] = FakeEngines.refuse("$it: refused; choose another file") } }
        app.start()
        assertTrue(app.text(R.id.model_in_use), app.text(R.id.model_in_use).contains("refused; choose another file"))
        assertTrue(app.text(R.id.stage_text).contains("camera") || app.text(R.id.stage_text).contains("refused"))
        app.go(R.id.tab_video)
        assertFalse(app.view(R.id.pick_video).isEnabled)
        assertEquals(0, app.fakeEngines.open)
    }

    @Test
    fun aModelThatDoesNotFitIntoTheMemoryIsASentence() {
        names.forEach { name -> modelsOf(name).forEach { app.fakeEngines.refused[it] = { throw OutOfMemoryError("64 MB") } } }
        app.start()
        assertEquals(app.activity.getString(R.string.no_memory), app.text(R.id.model_in_use))
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it says so") { app.isShown(R.id.check_error) }
        assertEquals(app.activity.getString(R.string.no_memory), app.text(R.id.check_error))
    }

    @Test
    fun theCheckPassesWithThePhonesOwnTensorFlowLite() {
        PhoneLibrary.load()
        app.engines = pan.demo.model.PhoneEngines()
        app.start()
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it is done", 120) { app.isShown(R.id.check_summary) }
        val rows = app.view(R.id.check_rows) as android.view.ViewGroup
        assertEquals(modelsOf(names.first()).size, rows.childCount)
        for (place in 0 until rows.childCount) {
            val row = rows.getChildAt(place)
            val file = row.findViewById<android.widget.TextView>(R.id.row_title).text.toString()
            val detail = row.findViewById<android.widget.TextView>(R.id.row_detail).text.toString()
            val verdict = row.findViewById<android.widget.TextView>(R.id.row_value).text.toString()
            // ONNX Runtime's own libraries are not in this build.
            if (file.endsWith(".onnx")) assertTrue(detail, detail.contains("not in this build")) else assertEquals("$file: $detail", "Passed", verdict)
        }
    }

    @Test
    fun aCheckThatFailsSaysByHowMuch() {
        app.start()
        app.fakeEngines.offBy[Acceleration.CPU] = 9f
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it is done") { app.isShown(R.id.check_summary) }
        assertTrue(app.text(R.id.check_summary).startsWith("0 of"))
        assertEquals("Failed", app.text(R.id.row_value))
        assertTrue(app.text(R.id.row_detail).contains("off by 9"))
    }

    @Test
    fun withoutThePermissionTheReasonIsShownAndAskingIsOffered() {
        app.start()
        assertEquals(app.activity.getString(R.string.camera_reason), app.text(R.id.stage_text))
        app.click(R.id.stage_action)
        app.activity.onRequestPermissionsResult(3, arrayOf(android.Manifest.permission.CAMERA), intArrayOf(-1))
        app.idle()
        assertEquals(app.activity.getString(R.string.camera_refused), app.text(R.id.stage_text))
        app.click(R.id.stage_action)
        assertEquals("android.settings.APPLICATION_DETAILS_SETTINGS", shadowOf(app.activity).nextStartedActivityForResult.intent.action)
    }

    @Test
    fun aDeviceWithoutACameraSaysSo() {
        app.camera = FakeCamera(emptySet())
        app.permit()
        app.start()
        app.givePreview()
        assertEquals(app.activity.getString(R.string.no_camera), app.text(R.id.stage_text))
    }

    @Test
    fun aCameraThatFailsCanBeTriedAgain() {
        app.permit()
        app.start()
        app.openCamera()
        checkNotNull(app.fakeCamera.listener).onFailed(Notice(R.string.camera_taken))
        app.idle()
        assertEquals(app.activity.getString(R.string.camera_taken), app.text(R.id.stage_text))
        assertNull(app.fakeCamera.listener)
        app.click(R.id.stage_action)
        app.until("it is open again") { app.fakeCamera.listener != null }
    }

    @Test
    fun liveAnswersAppearWithTheirTimesAndGoOnAfterAReset() {
        app.permit()
        app.start()
        app.openCamera()
        app.deliver(150)
        app.until("there is an answer") { app.isShown(R.id.rates) }
        assertTrue(app.text(R.id.rates), Regex("Camera 30\\.0 frames/s, model .* answers/s").matches(app.text(R.id.rates)))
        assertTrue(app.text(R.id.times).startsWith("Preprocess "))
        assertFalse(app.isShown(R.id.stage_notice))
        app.click(R.id.reset)
        app.deliver(150, from = 150)
        assertTrue(app.isShown(R.id.rates))
    }

    @Test
    fun framesThatAreLeftOutAreTold() {
        app.fakeEngines.callMilliseconds = 0
        app.permit()
        app.start()
        app.openCamera()
        app.fakeEngines.callMilliseconds = 500
        var pictures = 0
        app.until("it is told") {
            app.deliver(10, from = pictures)
            pictures += 10
            app.isShown(R.id.warning)
        }
        assertEquals(app.activity.getString(R.string.too_slow), app.text(R.id.warning))
        app.fakeEngines.callMilliseconds = 0
    }

    @Test
    fun theOtherCameraIsUsedAfterTheSwitch() {
        app.permit()
        app.start()
        app.openCamera()
        assertEquals(Facing.BACK, app.fakeCamera.facing)
        app.click(R.id.turn_camera)
        app.until("it is open") { app.fakeCamera.listener != null }
        assertEquals(Facing.FRONT, app.fakeCamera.facing)
    }

    @Test
    fun leavingReleasesCameraAndModelAndComingBackTakesThemAgain() {
        app.permit()
        app.start()
        app.openCamera()
        app.controller.pause().stop()
        app.until("all is released") { app.fakeEngines.open == 0 && app.fakeCamera.listener == null }
        app.controller
            .restart()
            .start()
            .resume()
        app.until("they are back") { app.fakeEngines.open == 1 && app.fakeCamera.listener != null }
    }

    @Test
    fun aTurnedPhoneKeepsItsScreenAndItsChoices() {
        app.permit()
        app.start()
        app.openCamera()
        app.go(R.id.tab_models)
        val files = app.view(R.id.file_choices) as RadioGroup
        (0 until files.childCount).map(files::getChildAt).first { it.id != files.checkedRadioButtonId }.performClick()
        app.until("it is loaded") { app.text(R.id.model_status).contains("pass") }
        val before = app.text(R.id.model_in_use)
        RuntimeEnvironment.setQualifiers("+land")
        app.controller.configurationChange()
        app.until("the model is back") { app.text(R.id.model_in_use) == before }
        assertEquals(app.activity.getString(R.string.models), app.text(R.id.title))
        assertNull(app.fakeCamera.listener)
        assertEquals(1, app.fakeEngines.open)
    }

    @Test
    fun afterTheEndOfTheProcessTheChoicesAreBack() {
        app.start()
        app.go(R.id.tab_models)
        val files = app.view(R.id.file_choices) as RadioGroup
        (0 until files.childCount).map(files::getChildAt).first { it.id != files.checkedRadioButtonId }.performClick()
        app.until("it is loaded") { app.text(R.id.model_status).contains("pass") }
        val before = app.text(R.id.model_in_use)
        val saved = Bundle()
        app.controller
            .saveInstanceState(saved)
            .pause()
            .stop()
            .destroy()
        app.controller = Robolectric.buildActivity(MainActivity::class.java).setup(saved)
        app.until("the model is back") { app.text(R.id.model_in_use) == before }
        assertEquals(app.activity.getString(R.string.models), app.text(R.id.title))
    }

    @Test
    fun aVideoIsSampledAsInEvaluationAndAnswered() {
        val videos = FakeVideos(pictures = 40)
        app.videos = videos
        app.start()
        app.go(R.id.tab_video)
        pick(R.id.pick_video, "content://videos/wave.mp4")
        app.until("there is an answer") { app.isShown(R.id.video_label) }
        assertEquals("wave.mp4", app.text(R.id.video_name))
        assertTrue(app.text(R.id.video_times).startsWith("40 frames"))
        val input = open(names.first()).input
        assertEquals(
            pan.core.sampling.WholeVideo
                .frames(40, input)
                .distinct()
                .sorted(),
            videos.read,
        )
    }

    @Test
    fun aVideoThatCannotBeDecodedIsASentence() {
        app.videos = FakeVideos(problem = "the decoder gives nothing")
        app.start()
        app.go(R.id.tab_video)
        pick(R.id.pick_video, "content://videos/broken.mp4")
        app.until("it says so") { app.isShown(R.id.video_error) }
        assertEquals("The video cannot be read (the decoder gives nothing). Pick another one.", app.text(R.id.video_error))
        assertTrue(app.view(R.id.pick_video).isEnabled)
    }

    @Test
    fun anImportedBundleIsCheckedChosenAndCanBeRemoved() {
        app.start()
        app.go(R.id.tab_models)
        import(zip(names.first()), "mine.zip")
        app.until("it is in use") { app.isShown(R.id.remove_bundle) && app.text(R.id.model_status).contains("pass") }
        assertTrue(app.imported.resolve("mine").isDirectory)
        app.click(R.id.remove_bundle)
        app.until("it is gone") { !app.imported.resolve("mine").exists() && app.text(R.id.model_status).contains("pass") }
        assertFalse(app.isShown(R.id.remove_bundle))
    }

    @Test
    fun aZipThatIsNoWholeBundleIsRefusedAndNothingIsKept() {
        app.start()
        app.go(R.id.tab_models)
        val bad =
            mapOf(
                "no zip" to "hello".toByteArray(),
                "slip" to zipOf("../evil.txt" to "x".toByteArray()),
                "changed" to zip(names.first()) { name, bytes -> if (name.endsWith(".tflite")) bytes.also { it[100] = (it[100] + 1).toByte() } else bytes },
            )
        for ((name, bytes) in bad) {
            import(bytes, "$name.zip")
            app.until("$name is refused") { app.isShown(R.id.import_error) && app.text(R.id.import_error) != app.activity.getString(R.string.importing) }
            assertTrue(app.text(R.id.import_error), app.text(R.id.import_error).startsWith(name.replace(' ', ' ')))
            assertEquals(
                emptyList<String>(),
                app.imported
                    .list()
                    .orEmpty()
                    .toList(),
            )
        }
    }

    @Test
    fun anImportedBundleThatWasDamagedLaterIsListedWithItsProblem() {
        app.imported.resolve("broken").mkdirs()
        app.imported.resolve("broken/model.json").writeText("{")
        app.start()
        app.go(R.id.tab_models)
        val bundles = app.view(R.id.bundle_choices) as RadioGroup
        val last = bundles.getChildAt(bundles.childCount - 1) as android.widget.RadioButton
        assertFalse(last.isEnabled)
        assertTrue(last.text.contains("model.json"))
    }

    @Test
    fun theBenchmarkMeasuresEveryFileAndSharesJson() {
        app.start()
        app.go(R.id.tab_benchmark)
        app.activity.findViewById<android.widget.Switch>(R.id.sustained).isChecked = false
        app.click(R.id.run_benchmark)
        app.until("it is done") { app.isShown(R.id.share_benchmark) }
        val rows = app.view(R.id.benchmark_rows) as android.view.ViewGroup
        assertEquals(3 * modelsOf(names.first()).size, rows.childCount)
        app.click(R.id.share_benchmark)
        val sent = checkNotNull(shadowOf(app.activity).nextStartedActivity)
        assertEquals(Intent.ACTION_CHOOSER, sent.action)
        assertTrue(app.text(R.id.benchmark_conditions).contains("31.5 °C"))
        app.until("the model is back") { app.fakeEngines.open == 1 }
    }

    @Test
    fun aStoppedBenchmarkKeepsWhatWasMeasured() {
        app.fakeEngines.callMilliseconds = 20
        app.start()
        app.go(R.id.tab_benchmark)
        app.click(R.id.run_benchmark)
        app.until("it measures the second case") { app.fakeEngines.loads.size > 3 }
        app.click(R.id.cancel_benchmark)
        app.until("it has stopped") { app.isShown(R.id.share_benchmark) }
        assertTrue((app.view(R.id.benchmark_rows) as android.view.ViewGroup).childCount >= 1)
        app.fakeEngines.callMilliseconds = 0
    }

    private fun open(name: String): pan.core.bundle.Bundle = BundleStore(assets, app.imported).open("/$name")

    private fun modelsOf(name: String): List<String> =
        try {
            open(name).models.map { it.file }
        } catch (error: BundleException) {
            throw AssertionError(error)
        }

    private fun pick(
        button: Int,
        uri: String,
    ) {
        app.click(button)
        val asked = shadowOf(app.activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        // The app is left while the user picks.
        app.controller.pause().stop()
        app.until("the model is released") { (app.engines as? FakeEngines)?.open == 0 }
        app.controller.restart().start()
        shadowOf(app.activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(Uri.parse(uri)))
        app.controller.resume()
        app.idle()
    }

    private fun import(
        bytes: ByteArray,
        name: String,
    ) {
        val uri = "content://files/$name"
        val stream: InputStream = ByteArrayInputStream(bytes)
        shadowOf(app.activity.contentResolver).registerInputStream(Uri.parse(uri), stream)
        pick(R.id.import_bundle, uri)
    }

    private fun zip(
        name: String,
        change: (String, ByteArray) -> ByteArray = { _, bytes -> bytes },
    ): ByteArray {
        val files = (open(name).fileNames + "model.json").map { it to change(it, assets.open("bundles/$name/$it").use(InputStream::readBytes)) }
        return zipOf(*files.toTypedArray())
    }

    private fun zipOf(vararg files: Pair<String, ByteArray>): ByteArray {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in files) {
                zip.putNextEntry(ZipEntry(name))
                zip.write(content)
                zip.closeEntry()
            }
        }
        return bytes.toByteArray()
    }

    private companion object {
        val TABS =
            listOf(
                R.id.tab_video to R.string.video,
                R.id.tab_models to R.string.models,
                R.id.tab_check to R.string.check,
                R.id.tab_benchmark to R.string.benchmark,
                R.id.tab_live to R.string.live,
            )
    }
}
