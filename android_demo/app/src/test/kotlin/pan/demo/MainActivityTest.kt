package pan.demo

import android.os.Bundle
import android.widget.RadioGroup
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

@RunWith(RobolectricTestRunner::class)
class MainActivityTest {
    @get:Rule
    val app = AppRule()

    @Test
    fun everyTabOpensItsScreen() {
        app.start()
        for ((tab, title) in TABS) {
            app.go(tab)
            assertEquals(app.activity.getString(title), app.text(R.id.title))
        }
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
