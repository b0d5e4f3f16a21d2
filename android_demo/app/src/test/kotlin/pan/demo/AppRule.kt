package pan.demo

import android.app.Activity
import android.content.Intent
import android.graphics.SurfaceTexture
import android.net.Uri
import android.view.TextureView
import android.view.View
import android.widget.RadioButton
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.rules.ExternalResource
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowLooper
import pan.core.bundle.Bundle
import pan.demo.camera.FrameSource
import pan.demo.model.BundleStore
import pan.demo.model.Engines
import pan.demo.video.VideoSource
import java.io.File

/** Starts the app with fakes and drives it by its views. */
class AppRule : ExternalResource() {
    var engines: Engines = FakeEngines()
    var camera: FrameSource = FakeCamera()
    var videos: VideoSource = FakeVideos()
    var phone = FakePhone()
    lateinit var controller: ActivityController<MainActivity>
    private var isStarted = false

    val fakeEngines get() = engines as FakeEngines
    val fakeCamera get() = camera as FakeCamera
    val activity: MainActivity get() = controller.get()
    val imported = File(RuntimeEnvironment.getApplication().filesDir, "bundles")

    override fun before() {
        Parts.make = { context ->
            Parts(BundleStore(context.assets, imported), engines, camera, videos, phone, mapOf("pan-demo" to "1"), 0.02f)
        }
    }

    override fun after() {
        if (isStarted && !activity.isDestroyed) controller.pause().stop().destroy()
        until("all models are closed") { (engines as? FakeEngines)?.open ?: 0 == 0 }
    }

    /** Names of the bundles in the APK. */
    val bundles = BundleStore.inside(RuntimeEnvironment.getApplication().assets)

    fun bundle(name: String): Bundle = BundleStore(RuntimeEnvironment.getApplication().assets, imported).open("/$name")

    fun modelsOf(name: String): List<String> = bundle(name).models.map { it.file }

    fun permit() = shadowOf(RuntimeEnvironment.getApplication()).grantPermissions(android.Manifest.permission.CAMERA)

    fun start(): AppRule {
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        isStarted = true
        val notYet = listOf(R.string.no_bundle, R.string.no_model, R.string.model_loading).map(activity::getString)
        until("a model is loaded, or none can be") { text(R.id.model_in_use) !in notYet }
        return this
    }

    fun go(tab: Int) {
        activity.findViewById<RadioButton>(tab).performClick()
        idle()
    }

    fun click(id: Int) {
        val view = view(id)
        assertTrue("${activity.resources.getResourceEntryName(id)} can be clicked", view.isEnabled && view.isShown)
        view.performClick()
        idle()
    }

    fun view(id: Int): View = checkNotNull(activity.findViewById(id)) { activity.resources.getResourceEntryName(id) }

    fun text(id: Int): String = (view(id) as TextView).text.toString()

    fun isShown(id: Int): Boolean = activity.findViewById<View>(id)?.isShown == true

    /** What the texture view does on a phone: it has a surface now. */
    fun givePreview() {
        val preview = view(R.id.preview) as TextureView
        checkNotNull(preview.surfaceTextureListener).onSurfaceTextureAvailable(SurfaceTexture(0), preview.width, preview.height)
        idle()
    }

    /** Starts the camera and waits until it delivers. */
    fun openCamera() {
        givePreview()
        until("the camera is open") { fakeCamera.listener != null }
    }

    /** Delivers pictures of a camera of 30 frames per second. */
    fun deliver(
        count: Int,
        from: Int = 0,
    ) {
        for (number in from until from + count) {
            fakeCamera.listener?.onFrame(texture(number), 1_000_000_000L + number * 33_333_333L)
            Thread.sleep(1)
            idle()
        }
    }

    /** Clicks a button that lets the user pick a file, and picks [uri]. */
    fun pick(
        button: Int,
        uri: String,
    ) {
        click(button)
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        // The app is left while the user picks.
        controller.pause().stop()
        until("the model is released") { ((engines as? FakeEngines)?.open ?: 0) == 0 }
        controller.restart().start()
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(Uri.parse(uri)))
        controller.resume()
        idle()
    }

    /** Imports a zip file; the models screen is shown. */
    fun import(
        bytes: ByteArray,
        name: String,
    ) {
        val uri = "content://files/$name"
        shadowOf(activity.contentResolver).registerInputStream(Uri.parse(uri), bytes.inputStream())
        pick(R.id.import_bundle, uri)
    }

    fun idle() = ShadowLooper.idleMainLooper()

    fun until(
        what: String,
        seconds: Int = LONGEST,
        condition: () -> Boolean,
    ) {
        val end = System.nanoTime() + seconds * SECOND
        while (!condition()) {
            assertTrue("$what: not within $seconds s", System.nanoTime() < end)
            Thread.sleep(5)
            idle()
        }
    }

    private companion object {
        const val LONGEST = 20
        const val SECOND = 1_000_000_000L
    }
}
