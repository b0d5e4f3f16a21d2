package pan.demo.screens

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import pan.demo.AppRule
import pan.demo.Facing
import pan.demo.FakeCamera
import pan.demo.Notice
import pan.demo.R
import pan.demo.zipOfCalibrated

@RunWith(RobolectricTestRunner::class)
class LiveScreenTest {
    @get:Rule
    val app = AppRule()

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
        assertFalse(app.isShown(R.id.live_unknown))
        app.click(R.id.reset)
        app.deliver(150, from = 150)
        assertTrue(app.isShown(R.id.rates))
    }

    @Test
    fun anAnswerThatNoClassIsProbableEnoughForIsUnknown() {
        app.permit()
        app.start()
        app.go(R.id.tab_models)
        app.import(app.zipOfCalibrated(app.bundles.first(), 4.0, 0.995), "sure.zip")
        app.until("it is in use") { app.isShown(R.id.remove_bundle) && app.text(R.id.model_status).contains("pass") }
        app.go(R.id.tab_live)
        app.openCamera()
        app.deliver(150)
        app.until("there is an answer") { app.isShown(R.id.rates) }
        assertEquals("Unknown: no class is above 99.5%", app.text(R.id.live_unknown))
        assertTrue(app.isShown(R.id.score_label))
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
}
