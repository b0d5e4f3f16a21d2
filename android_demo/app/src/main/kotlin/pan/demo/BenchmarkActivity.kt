package pan.demo

import android.app.Activity
import android.os.Bundle
import android.util.Log
import android.view.WindowManager
import android.widget.TextView
import org.json.JSONObject
import pan.core.bundle.BundleArchive
import pan.core.bundle.BundleException
import pan.core.bundle.FolderFiles
import pan.core.bundle.ModelFile
import pan.demo.benchmark.Benchmark
import pan.demo.benchmark.BenchmarkController
import pan.demo.benchmark.BenchmarkReport
import pan.demo.model.ModelThread
import java.io.File
import java.io.IOException
import java.time.Instant
import pan.core.bundle.Bundle as ModelBundle

/**
 * The benchmark without a screen to touch, started by adb:
 *
 * ```
 * adb shell am start -n pan.demo/.BenchmarkActivity --es bundle BUNDLE --es out FILE
 * ```
 *
 * Extras, all text (`--es`):
 *
 * - `bundle`: a folder or a zip file that the app can read, or `/NAME` of a bundle in the APK
 * - `out`: file for the results; a relative one is in the folder `Android/data/pan.demo/files`
 * - `precision`: those to measure, with commas; all unless given
 * - `threads`: numbers with commas; 1, 2 and 4 unless given
 * - `acceleration`: `cpu`, `cpu_plain`, `nnapi` or `gpu`; `cpu` unless given
 * - `seconds`: of each measurement, 2 unless given
 * - `sustained`: seconds of the long run of the first model, 0 unless given
 *
 * The file appears when it is whole. It follows `pan_keras/bench/results.schema.json`, or is
 * `{"error": "..."}` where nothing could be measured.
 */
class BenchmarkActivity : Activity() {
    private val thread = ModelThread(::fail)

    @Volatile
    private var ended = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        setContentView(R.layout.headless)
        findViewById<TextView>(R.id.headless_status).setText(R.string.headless_running)
        thread.run { measure(Parts.make(applicationContext)) }
    }

    override fun onDestroy() {
        ended = true
        super.onDestroy()
    }

    private fun measure(parts: Parts) {
        val text =
            try {
                results(parts).toString(INDENT)
            } catch (error: BundleException) {
                problem(error.message)
            } catch (error: IllegalArgumentException) {
                problem(error.message)
            } catch (error: IOException) {
                problem(error.message)
            }
        thread.tell { end(text) }
    }

    private fun fail(reason: Notice) = end(problem(reason.said(resources)))

    private fun end(text: String) {
        if (ended) return
        val out = place(intent.getStringExtra("out") ?: "benchmark.json")
        try {
            write(out, text)
            Log.i(TAG, "wrote $out")
        } catch (error: IOException) {
            Log.e(TAG, "$out: cannot be written (${error.message})")
        }
        findViewById<TextView>(R.id.headless_status).text = getString(R.string.headless_done, out.path)
        finishAndRemoveTask()
    }

    private fun results(parts: Parts): JSONObject {
        val scratch = File(cacheDir, "benchmark")
        scratch.deleteRecursively()
        try {
            val bundle = bundle(parts, scratch)
            val models = models(bundle)
            val threads = numbers("threads") ?: BenchmarkController.threadCounts(parts.phone.cores)
            val benchmark =
                Benchmark(
                    parts.engines,
                    number("seconds")?.toFloat() ?: parts.benchmarkSeconds,
                    number("sustained")?.toInt() ?: 0,
                )
            val before = parts.phone.batteryCelsius()
            val started = Instant.now()
            val measured =
                benchmark.run(bundle, models, threads, acceleration(), models.first()) { share, file, count ->
                    Log.i(TAG, "${(share * PERCENT).toInt()} % $file, threads: $count")
                    !ended
                }
            return BenchmarkReport(
                parts.phone,
                bundle,
                parts.versions,
                before,
                parts.phone.batteryCelsius(),
                started,
            ).json(measured)
        } finally {
            scratch.deleteRecursively()
        }
    }

    private fun bundle(
        parts: Parts,
        scratch: File,
    ): ModelBundle {
        val name = requireNotNull(intent.getStringExtra("bundle")) { "the extra bundle is missing" }
        val file = File(name)
        return when {
            parts.bundles.items().any { it.id == name } -> parts.bundles.open(name)
            file.isFile -> file.inputStream().use { BundleArchive().unpack(it, scratch) }
            else -> ModelBundle.open(FolderFiles(file))
        }
    }

    private fun models(bundle: ModelBundle): List<ModelFile> {
        val wanted = intent.getStringExtra("precision")?.split(',')
        val models = bundle.models.filter { wanted == null || it.precision in wanted }
        require(models.isNotEmpty()) { "${bundle.title}: holds no model of ${wanted.orEmpty().joinToString()}" }
        return models
    }

    private fun acceleration(): Acceleration {
        val name = intent.getStringExtra("acceleration") ?: return Acceleration.CPU
        val found = Acceleration.entries.find { it.name.equals(name, ignoreCase = true) }
        return requireNotNull(found) { "acceleration: $name is unknown" }
    }

    private fun numbers(extra: String): List<Int>? =
        intent.getStringExtra(extra)?.split(',')?.map { text ->
            val number = text.trim().toIntOrNull()
            require(number != null && number > 0) { "$extra: $text is no number above 0" }
            number
        }

    private fun number(extra: String): Double? =
        intent.getStringExtra(extra)?.let { text ->
            val number = text.toDoubleOrNull()
            require(number != null && number >= 0) { "$extra: $text is no number" }
            number
        }

    private fun place(name: String): File =
        if (File(name).isAbsolute) File(name) else File(getExternalFilesDir(null), name)

    private fun write(
        file: File,
        text: String,
    ) {
        file.parentFile?.mkdirs()
        val partial = File(file.path + ".partial")
        partial.writeText(text)
        if (!partial.renameTo(file)) throw IOException("it cannot be moved to its place")
    }

    private fun problem(message: String?) = JSONObject().put("error", message.orEmpty()).toString(INDENT)

    private companion object {
        const val TAG = "pan-benchmark"
        const val INDENT = 1
        const val PERCENT = 100
    }
}
