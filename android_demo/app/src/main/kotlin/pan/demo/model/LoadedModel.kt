package pan.demo.model

import pan.core.answer.Confidence
import pan.core.bundle.Bundle
import pan.core.bundle.BundleException
import pan.core.bundle.ModelFile
import pan.core.engine.CheckResult
import pan.core.engine.EngineException
import pan.core.engine.RunningModel
import pan.core.engine.VectorCheck
import pan.demo.Acceleration
import pan.demo.Choice
import pan.demo.Notice
import pan.demo.R
import java.nio.ByteBuffer

/**
 * A model that may be used: its vectors passed on this phone. It belongs to the model thread.
 *
 * @property acceleration What is in use.
 * @property refused Why the chosen acceleration is not; null if it is.
 * @property check What the vectors gave.
 */
class LoadedModel private constructor(
    val bundle: Bundle,
    val running: RunningModel,
    val acceleration: Acceleration,
    val refused: Notice?,
    val check: CheckResult,
) : AutoCloseable {
    val model: ModelFile get() = running.model
    val confidence: Confidence get() = bundle.confidence

    /** The motion map of the newest call, float32 `(segments, H, W, m - 1)`; null if the model gives none. */
    fun motion(): ByteBuffer? = if (model.hasMotion) running.output(ModelFile.MOTION) else null

    override fun close() = running.close()

    companion object {
        /**
         * Loads what was chosen and runs its vectors; where they fail with an acceleration, the
         * processor takes over, after its own vectors.
         *
         * @throws BundleException If the bundle cannot be used.
         * @throws EngineException If the model cannot, not even on the processor.
         */
        fun load(
            store: BundleStore,
            engines: Engines,
            choice: Choice,
        ): LoadedModel {
            val bundle = store.open(checkNotNull(choice.bundle))
            val model =
                bundle.models.find { it.file == choice.file }
                    ?: throw BundleException("${bundle.title}: holds no ${choice.file}; choose another file")
            return load(bundle, model, engines, choice.threads, choice.acceleration)
        }

        /** Does the same for a bundle that is open already. */
        fun load(
            bundle: Bundle,
            model: ModelFile,
            engines: Engines,
            threads: Int,
            acceleration: Acceleration,
        ): LoadedModel {
            if (acceleration == Acceleration.CPU) return checked(bundle, model, engines, threads, acceleration, null)
            val problem =
                try {
                    return checked(bundle, model, engines, threads, acceleration, null)
                } catch (error: EngineException) {
                    error.message.orEmpty()
                } catch (error: RuntimeException) {
                    // Delegates throw more than the interpreter does.
                    error.toString()
                }
            return checked(
                bundle,
                model,
                engines,
                threads,
                Acceleration.CPU,
                Notice(R.string.acceleration_refused, problem),
            )
        }

        private fun checked(
            bundle: Bundle,
            model: ModelFile,
            engines: Engines,
            threads: Int,
            acceleration: Acceleration,
            refused: Notice?,
        ): LoadedModel {
            val engine = engines.load(bundle, model, threads, acceleration)
            var isUsed = false
            try {
                val running = RunningModel(engine)
                val result = VectorCheck(bundle).run(running)
                result.problem?.let { throw EngineException(it) }
                isUsed = true
                return LoadedModel(bundle, running, acceleration, refused, result)
            } finally {
                if (!isUsed) engine.close()
            }
        }
    }
}
