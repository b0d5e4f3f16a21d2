package pan.demo

import android.media.Image
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.core.LiveRecogniser
import pan.core.answer.TopClasses
import pan.core.bundle.BundleArchive
import pan.core.engine.RunningModel
import pan.core.frames.YuvPicture
import pan.engines.TfliteEngine
import java.io.File

/** The example of `core/README.md` is compiled by test.sh; here it runs. */
@RunWith(RobolectricTestRunner::class)
class ReadmeTest {
    @get:Rule
    val app = AppRule()

    @get:Rule
    val place = TemporaryFolder()

    @Test
    fun theExampleOfTheCoreShowsItsAnswers() {
        PhoneLibrary.load()
        val folder = File(place.root, "bundle")
        val bundle = BundleArchive().unpack(app.zip(app.bundles.first()).inputStream(), folder)
        val model = bundle.models.first { it.format == "tflite" && it.precision == "float32" }
        val shown = ArrayList<List<Pair<String, Double>>>()
        val onImage = readmeExample(folder) { shown += it }
        val wanted = ArrayList<List<Pair<String, Double>>>()
        val top = TopClasses(3, bundle.labels.size)
        TfliteEngine(model, bundle.directContent(model), 1).use { engine ->
            val live = LiveRecogniser(bundle, RunningModel(engine), smoothedSteps = 4)
            for (number in 0 until 150) {
                val picture = texture(number)
                onImage(PictureImage(picture, number * 40_000_000L), 90)
                picture.rotation = 90
                picture.fullRange = true
                if (!live.watch(picture, number * 0.04)) continue
                top.update(live.probabilities)
                wanted += top.places.map { bundle.labels[it] to live.probabilities[it] }
            }
        }
        assertTrue("there are answers", wanted.size > 1)
        assertEquals(wanted.map { answer -> answer.map { it.first } }, shown.map { answer -> answer.map { it.first } })
        for ((expected, found) in wanted.flatten().zip(shown.flatten())) assertEquals(expected.second, found.second, 1e-5)
    }

    private class PictureImage(
        private val picture: YuvPicture,
        private val nanoseconds: Long,
    ) : Image() {
        override fun getFormat() = android.graphics.ImageFormat.YUV_420_888

        override fun getWidth() = picture.width

        override fun getHeight() = picture.height

        override fun getTimestamp() = nanoseconds

        override fun getPlanes(): Array<Plane> =
            picture.planes
                .map { plane ->
                    object : Plane() {
                        override fun getRowStride() = plane.rowStride

                        override fun getPixelStride() = plane.pixelStride

                        // As Android gives it: the plane starts at the start of its buffer.
                        override fun getBuffer() =
                            plane.bytes
                                .duplicate()
                                .apply { position(plane.offset) }
                                .slice()
                    }
                }.toTypedArray()

        override fun getTransform() = 0

        override fun getScalingMode() = 0

        override fun close() = Unit
    }
}
