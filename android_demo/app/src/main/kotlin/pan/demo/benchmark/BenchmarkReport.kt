package pan.demo.benchmark

import org.json.JSONArray
import org.json.JSONObject
import pan.core.bundle.Bundle
import java.time.Instant
import java.time.temporal.ChronoUnit

/**
 * The results as `pan-keras bench` reads them: `pan_keras/bench/results.schema.json`.
 *
 * @param versions Versions of the runtimes and the app, by name.
 */
class BenchmarkReport(
    private val phone: Phone,
    private val bundle: Bundle,
    private val versions: Map<String, String>,
    private val batteryBefore: Float?,
    private val batteryAfter: Float?,
    private val started: Instant,
) {
    fun json(measurements: List<Measurement>): JSONObject =
        JSONObject()
            .put("machine", machine())
            .put("work", work())
            .put("rows", JSONArray(measurements.map(::row)))

    private fun machine(): JSONObject =
        JSONObject()
            .put("name", phone.name)
            .put("cores", phone.cores)
            .put("platform", phone.platform)
            .put("versions", JSONObject(versions))
            .put("started", started.truncatedTo(ChronoUnit.SECONDS).toString())
            .put("battery_celsius_before", number(batteryBefore))
            .put("battery_celsius_after", number(batteryAfter))
            .put("unplugged", phone.isUnplugged() ?: JSONObject.NULL)

    private fun work(): JSONObject {
        val input = bundle.input
        val frames = input.segments * input.stack
        return JSONObject()
            .put("benchmark", "model")
            .put("segments", input.segments)
            .put("stack", input.stack)
            .put("size", JSONArray(listOf(input.height, input.width)))
            .put("batch", 1)
            .put("frames", frames)
            .put("pairs", frames - input.segments)
    }

    private fun row(measured: Measurement): JSONObject {
        val model = measured.model
        val input = bundle.input
        val segments = if (model.streaming) 1 else input.segments
        val perSecond =
            measured.times
                ?.call
                ?.takeIf { it.count > 0 }
                ?.let { SECOND / it.p50 }
        return JSONObject()
            .put("method", bundle.name)
            .put("graph", if (model.streaming) "step" else "fast")
            .put("precision", model.precision)
            .put("target", "android")
            .put("backend", if (model.format == "tflite") "tensorflow-lite" else "onnxruntime")
            .put("device", measured.acceleration.name.lowercase())
            .put("threads", measured.threads)
            .put("batch", 1)
            .put("macs", JSONObject.NULL)
            .put("parameters", JSONObject.NULL)
            .put("pairs_per_second", number(perSecond?.let { it * segments * (input.stack - 1) }))
            .put("frames_per_second", number(perSecond?.let { it * segments * input.stack }))
            .put("p5_ms", percentile(measured, P5))
            .put("p50_ms", percentile(measured, P50))
            .put("p95_ms", percentile(measured, P95))
            .put("max_ms", percentile(measured, P100))
            .put("samples", measured.times?.call?.count ?: 0)
            .put("milliseconds", parts(measured))
            .put("difference", number(measured.difference))
            .put("facts", facts(measured))
            .put("error", measured.error ?: JSONObject.NULL)
    }

    private fun parts(measured: Measurement): JSONObject {
        val parts = JSONObject()
        measured.preprocess?.let { parts.put("preprocess", rounded(it.toDouble())) }
        measured.times
            ?.run
            ?.takeIf { it.count > 0 }
            ?.let { parts.put("run", rounded(it.p50)) }
        measured.times
            ?.readBack
            ?.takeIf { it.count > 0 }
            ?.let { parts.put("read_back", rounded(it.p50)) }
        return parts
    }

    private fun facts(measured: Measurement): JSONObject {
        val facts =
            JSONObject()
                .put("file", measured.model.file)
                .put("p90_ms", percentile(measured, P90))
                .put("xnnpack", measured.xnnpack ?: JSONObject.NULL)
        measured.sustained?.let {
            facts.put("sustained_seconds", it.seconds)
            facts.put("sustained_calls", it.calls)
            facts.put("first_tenth_p50_ms", number(it.first))
            facts.put("last_tenth_p50_ms", number(it.last))
        }
        return facts
    }

    private fun percentile(
        measured: Measurement,
        share: Double,
    ): Any = number(measured.times?.call?.percentile(share))

    private companion object {
        const val SECOND = 1000.0
        const val DIGITS = 1000.0
        const val P5 = 5.0
        const val P50 = 50.0
        const val P90 = 90.0
        const val P95 = 95.0
        const val P100 = 100.0

        /** JSON has no NaN. */
        fun number(value: Number?): Any {
            val number = value?.toDouble() ?: return JSONObject.NULL
            if (number.isNaN() || number.isInfinite()) return JSONObject.NULL
            return if (value is Float) value.toString().toDouble() else rounded(number)
        }

        fun rounded(value: Double) = Math.round(value * DIGITS) / DIGITS
    }
}
