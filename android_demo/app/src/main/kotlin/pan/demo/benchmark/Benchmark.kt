package pan.demo.benchmark

import pan.core.answer.Timings
import pan.core.bundle.Bundle
import pan.core.bundle.BundleException
import pan.core.bundle.ModelFile
import pan.core.bundle.Vectors
import pan.core.engine.EngineException
import pan.core.frames.FramePreparation
import pan.core.frames.YuvPicture
import pan.demo.Acceleration
import pan.demo.model.Engines
import pan.demo.model.LoadedModel
import java.nio.ByteBuffer

/**
 * Measures the models of a bundle on the model thread; nothing else is loaded meanwhile.
 *
 * @param seconds How long each model is measured after the warm-up.
 * @param sustainedSeconds How long one model runs without a pause; 0 leaves that out.
 * @param clock Gives nanoseconds.
 */
class Benchmark(
    private val engines: Engines,
    private val seconds: Float = SECONDS,
    private val sustainedSeconds: Int = 0,
    private val clock: () -> Long = System::nanoTime,
) {
    /** Receives the share that is done, 0 to 1, and what is measured now; returning false ends the benchmark. */
    fun interface Progress {
        fun goesOn(
            share: Float,
            file: String,
            threads: Int,
        ): Boolean
    }

    /**
     * Measures every model with every number of threads, then one of them for long.
     *
     * @param longest The model of the long run, which uses the first number of threads; null for no long run.
     * @return What was measured until it was ended.
     */
    fun run(
        bundle: Bundle,
        models: List<ModelFile>,
        threads: List<Int>,
        acceleration: Acceleration,
        longest: ModelFile?,
        progress: Progress,
    ): List<Measurement> {
        val cases = models.flatMap { model -> threads.map { model to it } }
        val found = mutableListOf<Measurement>()
        val long = longest?.takeIf { sustainedSeconds > 0 }
        val steps = cases.size + if (long == null) 0 else 1
        for ((number, case) in cases.withIndex()) {
            val (model, count) = case
            if (!progress.goesOn(number.toFloat() / steps, model.file, count)) return found
            found +=
                measured(bundle, model, count, acceleration, forLong = false) {
                    progress.goesOn(number.toFloat() / steps, model.file, count)
                }
        }
        if (long != null) {
            val share = cases.size.toFloat() / steps
            if (!progress.goesOn(share, long.file, threads.first())) return found
            found +=
                measured(bundle, long, threads.first(), acceleration, forLong = true) {
                    progress.goesOn(share, long.file, threads.first())
                }
        }
        return found
    }

    private fun measured(
        bundle: Bundle,
        model: ModelFile,
        threads: Int,
        acceleration: Acceleration,
        forLong: Boolean,
        goesOn: () -> Boolean,
    ): Measurement =
        try {
            LoadedModel
                .load(
                    bundle,
                    model,
                    engines,
                    threads,
                    acceleration,
                ).use { measured(it, threads, forLong, goesOn) }
        } catch (error: EngineException) {
            Measurement(model, threads, acceleration, error = error.message)
        } catch (error: BundleException) {
            Measurement(model, threads, acceleration, error = error.message)
        } catch (error: RuntimeException) {
            Measurement(model, threads, acceleration, error = error.toString())
        } catch (error: OutOfMemoryError) {
            Measurement(model, threads, acceleration, error = error.toString())
        }

    private fun measured(
        loaded: LoadedModel,
        threads: Int,
        forLong: Boolean,
        goesOn: () -> Boolean,
    ): Measurement {
        val frames = Vectors.read(loaded.bundle).clip(0)
        frames.limit(loaded.running.frameBytes)
        warmUp(loaded, frames)
        val times = CallTimes(MOST_CALLS, clock)
        val sustained = if (forLong) sustain(loaded, frames, times, goesOn) else null
        if (!forLong) repeat(loaded, frames, times, seconds, goesOn)
        return Measurement(
            loaded.model,
            threads,
            loaded.acceleration,
            times,
            preprocess(loaded.bundle, loaded.model),
            loaded.check.difference,
            xnnpack(loaded, threads),
            sustained,
        )
    }

    /** Until a call is no longer faster than those before, five calls at least. */
    private fun warmUp(
        loaded: LoadedModel,
        frames: ByteBuffer,
    ) {
        val start = clock()
        var best = Long.MAX_VALUE
        var calls = 0
        var unimproved = 0
        while (unimproved < LEAST_CALLS && (calls < LEAST_CALLS || clock() - start < MOST_WARM_UP)) {
            val before = clock()
            loaded.running.run(frames)
            val took = clock() - before
            unimproved = if (took < best) 0 else unimproved + 1
            best = minOf(best, took)
            calls++
        }
    }

    private fun repeat(
        loaded: LoadedModel,
        frames: ByteBuffer,
        times: CallTimes,
        seconds: Float,
        goesOn: () -> Boolean,
    ) {
        val start = clock()
        while (times.call.count < LEAST_CALLS ||
            (clock() - start < seconds * SECOND && times.call.count < MOST_CALLS)
        ) {
            times.add(loaded.running, frames)
            if (times.call.count % ASKED_EACH == 0 && !goesOn()) return
        }
    }

    private fun sustain(
        loaded: LoadedModel,
        frames: ByteBuffer,
        times: CallTimes,
        goesOn: () -> Boolean,
    ): Measurement.Sustained {
        val start = clock()
        val first = Timings(MOST_CALLS)
        val last = Timings(MOST_CALLS)
        var calls = 0
        while (true) {
            val share = (clock() - start) / (sustainedSeconds * SECOND)
            if (share >= 1 && calls > 0) break
            val took = times.add(loaded.running, frames)
            if (share < TENTH || calls == 0) first.add(took)
            if (share >= 1 - TENTH || calls == 0) last.add(took)
            calls++
            if (calls % ASKED_EACH == 0 && !goesOn()) break
        }
        return Measurement.Sustained(sustainedSeconds, calls, first.p50.toFloat(), last.p50.toFloat())
    }

    /** Milliseconds to bring the frames of a call from a camera's usual size to the model's. */
    private fun preprocess(
        bundle: Bundle,
        model: ModelFile,
    ): Float {
        val preparation = FramePreparation(bundle.input)
        val picture = YuvPicture()
        picture.setI420(ByteBuffer.allocateDirect(CAMERA_WIDTH * CAMERA_HEIGHT * 3 / 2), CAMERA_WIDTH, CAMERA_HEIGHT)
        val target = ByteBuffer.allocateDirect(bundle.input.frameBytes)
        val times = Timings(PICTURES)
        repeat(PICTURES) {
            target.clear()
            val before = clock()
            preparation.prepare(picture, target)
            times.add((clock() - before) / MILLISECOND)
        }
        val frames = if (model.streaming) bundle.input.stack else bundle.input.segments * bundle.input.stack
        return (times.p50 * frames).toFloat()
    }

    /** The plain kernels round in another way: where the logits are the same to the bit, XNNPACK was not in effect. */
    private fun xnnpack(
        loaded: LoadedModel,
        threads: Int,
    ): Boolean? {
        if (loaded.model.format != "tflite" || loaded.acceleration != Acceleration.CPU) return null
        val vectors = Vectors.read(loaded.bundle)
        val own = (0 until vectors.clips).map { answer(loaded, vectors.clip(it)) }
        val plain =
            try {
                LoadedModel.load(loaded.bundle, loaded.model, engines, threads, Acceleration.CPU_PLAIN)
            } catch (_: EngineException) {
                return null
            }
        plain.use { other ->
            if (other.acceleration != Acceleration.CPU_PLAIN) return null
            return (0 until vectors.clips).any { answer(other, vectors.clip(it)) != own[it] }
        }
    }

    private fun answer(
        loaded: LoadedModel,
        clip: ByteBuffer,
    ): List<Float> {
        loaded.running.reset()
        clip.limit(loaded.running.frameBytes)
        return loaded.running
            .run(clip)
            .toList()
            .also { loaded.running.reset() }
    }

    companion object {
        /** Seconds that each model is measured. */
        const val SECONDS = 2f

        private const val LEAST_CALLS = 5
        private const val MOST_CALLS = 2000
        private const val ASKED_EACH = 5
        private const val MOST_WARM_UP = 3_000_000_000L
        private const val SECOND = 1e9
        private const val MILLISECOND = 1e6
        private const val TENTH = 0.1
        private const val CAMERA_WIDTH = 640
        private const val CAMERA_HEIGHT = 480
        private const val PICTURES = 15
    }
}
