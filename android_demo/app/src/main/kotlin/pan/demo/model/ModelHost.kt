package pan.demo.model

import pan.demo.Choice
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.StateStore

/** Loads the model in use, lends it to work on the model thread, and releases it. Called from the main thread. */
class ModelHost(
    private val bundles: BundleStore,
    private val engines: Engines,
    private val thread: ModelThread,
    private val state: StateStore,
) {
    private var loaded: LoadedModel? = null // of the model thread

    @Volatile
    private var generation = 0

    /** Loads the chosen model in place of the loaded one; [UiState.model] says how it went. */
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
                explained<ModelState>(ModelState::Failed) {
                    LoadedModel.load(bundles, engines, choice).also { loaded = it }.let(::ready)
                }
            thread.tell { if (wanted == generation) state.update { it.copy(model = result) } }
        }
    }

    /** Closes the model once work that was handed over before is done. */
    fun release() = giveUp(ModelState.None)

    /** Closes the model after a failure; every screen shows [reason]. */
    fun fail(reason: Notice) = giveUp(ModelState.Failed(reason))

    /** Runs [work] with the model on its thread, if a model is loaded. */
    fun use(work: (LoadedModel) -> Unit) = thread.run { loaded?.let(work) }

    private fun giveUp(shown: ModelState) {
        generation++
        state.update { it.copy(model = shown) }
        thread.run(::close)
    }

    private fun close() {
        val model = loaded
        loaded = null // Even if closing fails.
        model?.close()
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
