package pan.demo

import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.drawable.BitmapDrawable
import android.view.Gravity
import android.view.View
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import pan.core.frames.ColourConversion
import pan.core.frames.RgbFrame
import pan.core.frames.YuvPicture
import pan.demo.model.BundleStore
import pan.demo.model.PhoneEngines
import pan.demo.views.HeatView
import java.io.File
import java.nio.ByteBuffer

/** Draws every screen in light, dark, landscape and with the largest font, into the folder `pictures`. */
@RunWith(RobolectricTestRunner::class)
class PicturesTest {
    @get:Rule
    val app = AppRule()

    private val folder = File(System.getProperty("pictures") ?: "build/pictures").apply { mkdirs() }

    @Test
    fun light() = draw("light", "")

    @Test
    fun dark() = draw("dark", "+night")

    @Test
    fun landscape() = draw("landscape", "+land")

    @Test
    fun largestFont() = draw("largest", "", fontScale = 2f)

    private fun draw(
        variant: String,
        qualifiers: String,
        fontScale: Float = 1f,
    ) {
        PhoneLibrary.load()
        RuntimeEnvironment.setQualifiers(qualifiers.ifEmpty { "+port" })
        RuntimeEnvironment.setFontScale(fontScale)
        app.engines = PhoneEngines()
        app.phone = FakePhone(cores = 2)
        val assets = RuntimeEnvironment.getApplication().assets
        val bundle = BundleStore(assets, app.imported).open("/" + BundleStore.inside(assets).first())
        val pictures = pictures()
        app.camera =
            FakeCamera().apply {
                width = pictures[0].width
                height = pictures[0].height
            }
        app.videos = FakeVideos(pictures.size) { pictures[it] }
        app.start()
        shoot("permission", variant)
        app.controller
            .pause()
            .stop()
            .destroy()
        app.permit()
        app.start()
        app.openCamera()
        (app.view(R.id.motion) as android.widget.Switch).isChecked = true
        // A camera of the rate of training, which shows the video again and again.
        val frame = (SECOND / (bundle.sampling.frameRate ?: USUAL_RATE)).toLong()
        for (number in 0 until TEXTURES) {
            app.fakeCamera.listener?.onFrame(pictures[number % pictures.size], number * frame)
            app.idle()
        }
        app.until("there is an answer") { app.isShown(R.id.rates) }
        app.view(R.id.stage).background = CameraPicture(bitmap(pictures[(TEXTURES - 1) % pictures.size]), app.view(R.id.stage))
        assertTrue(!(app.view(R.id.heat) as HeatView).seen.isEmpty)
        shoot("live", variant)
        app.go(R.id.tab_video)
        app.click(R.id.pick_video)
        recognise()
        shoot("video", variant)
        app.go(R.id.tab_models)
        app.until("a model is loaded") { app.text(R.id.model_status).contains("pass") }
        shoot("models", variant)
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("the check is done", 60) { app.isShown(R.id.check_summary) }
        shoot("check", variant)
        // Measuring takes long on this processor: the picture is of the screen, not of times.
        app.controller
            .pause()
            .stop()
            .destroy()
        app.engines = FakeEngines().apply { callMilliseconds = 2 }
        app.start()
        shootUnknown(variant)
        app.go(R.id.tab_benchmark)
        app.activity.findViewById<android.widget.Switch>(R.id.sustained).isChecked = false
        app.click(R.id.run_benchmark)
        app.until("the benchmark is done", 90) { app.isShown(R.id.share_benchmark) }
        shoot("benchmark", variant)
        RuntimeEnvironment.setFontScale(1f)
    }

    /** Live and video with a bundle whose threshold no class reaches. */
    private fun shootUnknown(variant: String) {
        app.go(R.id.tab_models)
        app.import(app.zipOfCalibrated(app.bundles.first(), 4.0, 0.715), "calibrated.zip")
        app.until("it is in use") { app.isShown(R.id.remove_bundle) && app.text(R.id.model_status).contains("pass") }
        app.go(R.id.tab_live)
        app.openCamera()
        app.deliver(TEXTURES)
        app.until("it is unknown") { app.isShown(R.id.live_unknown) }
        shoot("live-unknown", variant)
        app.go(R.id.tab_video)
        app.pick(R.id.pick_video, "content://videos/clip")
        app.until("the video is answered") { app.isShown(R.id.video_label) }
        shoot("video-unknown", variant)
    }

    private fun recognise() {
        val asked =
            org.robolectric.Shadows
                .shadowOf(app.activity)
                .nextStartedActivityForResult
        org.robolectric.Shadows
            .shadowOf(app.activity)
            .receiveResult(asked.intent, android.app.Activity.RESULT_OK, android.content.Intent().setData(android.net.Uri.parse("content://videos/clip")))
        app.until("the video is answered") { app.isShown(R.id.video_label) }
    }

    /** Frames of the video that the property `planes` names (WIDTHxHEIGHT.i420), else a texture that moves. */
    private fun pictures(): List<YuvPicture> {
        val file = System.getProperty("planes")?.let(::File) ?: return (0 until TEXTURES).map(::texture)
        val (width, height) =
            file.nameWithoutExtension
                .substringAfterLast('-')
                .split('x')
                .map(String::toInt)
        val bytes = file.readBytes()
        return (0 until bytes.size / (width * height * 3 / 2)).map { number ->
            val size = width * height * 3 / 2
            YuvPicture().apply { setI420(ByteBuffer.wrap(bytes, number * size, size).slice(), width, height) }
        }
    }

    private fun bitmap(picture: YuvPicture): Bitmap {
        val frame = RgbFrame()
        ColourConversion().convert(picture, frame)
        val bitmap = Bitmap.createBitmap(frame.width, frame.height, Bitmap.Config.ARGB_8888)
        for (place in 0 until frame.width * frame.height) {
            fun byte(colour: Int) = frame.bytes[3 * place + colour].toInt() and 255
            bitmap.setPixel(place % frame.width, place / frame.width, (255 shl 24) or (byte(0) shl 16) or (byte(1) shl 8) or byte(2))
        }
        return bitmap
    }

    private fun shoot(
        screen: String,
        variant: String,
    ) {
        app.activity.findViewById<View>(R.id.preview)?.visibility = View.INVISIBLE
        app.idle()
        val root: View = app.activity.window.decorView
        // Check marks and switches are drawn as they are after their animation.
        root.jumpDrawablesToCurrentState()
        val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(bitmap))
        File(folder, "$screen-$variant.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        val colours = (0 until bitmap.height step 7).flatMap { y -> (0 until bitmap.width step 7).map { x -> bitmap.getPixel(x, y) } }.toSet()
        assertTrue("$screen is not empty", colours.size > LEAST_COLOURS)
    }

    /** In place of the texture view, which draws on a phone's display alone. */
    private class CameraPicture(
        private val picture: Bitmap,
        private val stage: View,
    ) : BitmapDrawable(stage.resources, picture) {
        init {
            gravity = Gravity.FILL
        }

        override fun draw(canvas: Canvas) {
            canvas.drawColor(stage.context.getColor(R.color.stage))
            val scale = minOf(stage.width.toFloat() / picture.width, stage.height.toFloat() / picture.height)
            canvas.save()
            canvas.translate((stage.width - picture.width * scale) / 2, (stage.height - picture.height * scale) / 2)
            canvas.scale(scale, scale)
            canvas.drawBitmap(picture, 0f, 0f, null)
            canvas.restore()
        }
    }

    private companion object {
        const val SECOND = 1e9
        const val USUAL_RATE = 30.0
        const val TEXTURES = 120
        const val LEAST_COLOURS = 10
    }
}
