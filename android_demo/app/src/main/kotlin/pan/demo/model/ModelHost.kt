package pan.demo.model

import pan.core.bundle.BundleException
import pan.core.engine.EngineException
import pan.demo.Choice
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.R
import pan.demo.StateStore

/** The model in use: loads, lends and releases it. Called from the main thread. */
class ModelHost(
    private val bundles: BundleStore,
    private val engines: Engines,
    private val thread: ModelThread,
    private val state: StateStore,
) {
    private var loaded: LoadedModel? = null // of the model thread

    @Volatile
    private var generation = 0

    /** Loads what was chosen in place of what is loaded; the state says how it went. */
    fun load(choice: Choice) {
        val wanted = ++generation
        if (choice.bundle == null || choice.file == null) {
            release()
            return
        }
        state.update { it.copy(model = ModelState.Loading) }
        thread.run {
            close()
            if (wanted != generation) return@run
            val result =
                try {
                    LoadedModel.load(bundles, engines, choice).also { loaded = it }.let(::ready)
                } catch (error: BundleException) {
                    ModelState.Failed(Notice(R.string.given, error.message.orEmpty()))
                } catch (error: EngineException) {
                    ModelState.Failed(Notice(R.string.given, error.message.orEmpty()))
                } catch (_: OutOfMemoryError) {
                    ModelState.Failed(Notice(R.string.no_memory))
                }
            thread.tell { if (wanted == generation) state.update { it.copy(model = result) } }
        }
    }

    /** Closes the model, after what runs on it. */
    fun release() {
        generation++
        state.update { it.copy(model = ModelState.None) }
        thread.run(::close)
    }

    /** Does something with the model on its thread; nothing if there is none. */
    fun use(work: (LoadedModel) -> Unit) = thread.run { loaded?.let(work) }

    private fun close() {
        loaded?.close()
        loaded = null
    }

    private fun ready(model: LoadedModel) =
        ModelState.Ready(
            model.bundle.name,
            model.model.file,
            model.acceleration,
            model.refused,
            model.check.difference,
            model.check.allowed,
            model.model.hasMotion,
        )
}
