package pan.demo

import android.content.Context
import org.tensorflow.lite.TensorFlowLite
import pan.demo.benchmark.Benchmark
import pan.demo.benchmark.Phone
import pan.demo.benchmark.ThisPhone
import pan.demo.camera.Camera2Source
import pan.demo.camera.FrameSource
import pan.demo.model.BundleStore
import pan.demo.model.Engines
import pan.demo.model.PhoneEngines
import pan.demo.video.PhoneVideos
import pan.demo.video.VideoSource
import java.io.File

/** The replaceable parts of the app; tests use fakes. */
class Parts(
    val bundles: BundleStore,
    val engines: Engines,
    val camera: FrameSource,
    val videos: VideoSource,
    val phone: Phone,
    val versions: Map<String, String>,
    val benchmarkSeconds: Float,
) {
    companion object {
        /** Makes the parts of a phone. */
        var make: (Context) -> Parts = ::ofPhone

        private fun ofPhone(context: Context): Parts =
            Parts(
                bundles = BundleStore(context.assets, File(context.filesDir, "bundles")),
                engines = PhoneEngines(),
                camera = Camera2Source(context),
                videos = PhoneVideos(context),
                phone = ThisPhone(context),
                versions = versions(context),
                benchmarkSeconds = Benchmark.SECONDS,
            )

        private fun versions(context: Context): Map<String, String> {
            val app =
                context.packageManager
                    .getPackageInfo(context.packageName, 0)
                    .versionName
                    .orEmpty()
            val runtime =
                try {
                    TensorFlowLite.runtimeVersion()
                } catch (_: UnsatisfiedLinkError) {
                    return mapOf("pan-demo" to app)
                }
            return mapOf("pan-demo" to app, "tensorflow-lite" to runtime)
        }
    }
}
