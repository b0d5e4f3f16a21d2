package pan.demo.screens

import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.SeekBar
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import pan.demo.Acceleration
import pan.demo.AppRule
import pan.demo.FakeEngines
import pan.demo.PhoneLibrary
import pan.demo.R
import pan.demo.model.PhoneEngines
import pan.demo.zip
import pan.demo.zipOf

@RunWith(RobolectricTestRunner::class)
class ModelsScreenTest {
    @get:Rule
    val app = AppRule()

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
            val bar = activity.findViewById<SeekBar>(R.id.threads_bar)
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
        app.bundles.forEach { name -> app.modelsOf(name).forEach { app.fakeEngines.refused[it] = FakeEngines.refuse("$it: refused; choose another file") } }
        app.start()
        assertTrue(app.text(R.id.model_in_use), app.text(R.id.model_in_use).contains("refused; choose another file"))
        assertTrue(app.text(R.id.stage_text).contains("camera") || app.text(R.id.stage_text).contains("refused"))
        app.go(R.id.tab_video)
        assertFalse(app.view(R.id.pick_video).isEnabled)
        assertEquals(0, app.fakeEngines.open)
    }

    @Test
    fun anImportedBundleIsCheckedChosenAndCanBeRemoved() {
        app.start()
        app.go(R.id.tab_models)
        app.import(app.zip(app.bundles.first()), "mine.zip")
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
                "changed" to app.zip(app.bundles.first()) { name, bytes -> if (name.endsWith(".tflite")) bytes.also { it[100] = (it[100] + 1).toByte() } else bytes },
            )
        for ((name, bytes) in bad) {
            app.import(bytes, "$name.zip")
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
    fun aModelThatNeedsALaterRuntimeIsRefusedWithTheReasonOnEveryScreen() {
        PhoneLibrary.load()
        app.engines = PhoneEngines()
        app.start()
        app.go(R.id.tab_models)
        val later = Regex("\"requires\": *\"[0-9.]+\"")
        app.import(
            app.zip(app.bundles.first()) { name, bytes ->
                if (name == "model.json") bytes.decodeToString().replace(later, "\"requires\": \"99.0.0\"").encodeToByteArray() else bytes
            },
            "later.zip",
        )
        val reason = "needs TensorFlow Lite 99.0.0, but this app has 2.16.1; update it"
        app.until("it is refused") { app.text(R.id.model_status).contains(reason) }
        for (tab in listOf(R.id.tab_live, R.id.tab_video, R.id.tab_check, R.id.tab_benchmark)) {
            app.go(tab)
            assertTrue(app.text(R.id.model_in_use).contains(reason))
        }
    }

    @Test
    fun anImportedBundleThatWasDamagedLaterIsListedWithItsProblem() {
        app.imported.resolve("broken").mkdirs()
        app.imported.resolve("broken/model.json").writeText("{")
        app.start()
        app.go(R.id.tab_models)
        val bundles = app.view(R.id.bundle_choices) as RadioGroup
        val last = bundles.getChildAt(bundles.childCount - 1) as RadioButton
        assertFalse(last.isEnabled)
        assertTrue(last.text.contains("model.json"))
    }
}
