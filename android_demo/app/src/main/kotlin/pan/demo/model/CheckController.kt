package pan.demo.model

import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.engine.RunningModel
import pan.core.engine.VectorCheck
import pan.demo.CheckRow
import pan.demo.CheckState
import pan.demo.Choice
import pan.demo.Notice
import pan.demo.R
import pan.demo.StateStore

/** Runs the vectors of every model of a bundle. Called from the main thread. */
class CheckController(
    private val bundles: BundleStore,
    private val engines: Engines,
    private val thread: ModelThread,
    private val state: StateStore,
) {
    @Volatile
    private var current: Any? = null

    /** Whether a check is under way. */
    val isRunning: Boolean get() = current != null

    fun run(choice: Choice) {
        val id = choice.bundle ?: return
        val job = Any()
        current = job
        show { CheckState(running = true) }
        thread.run {
            explained({ reason -> tell(job) { it.copy(error = reason) } }) {
                val bundle = bundles.open(id)
                for (model in bundle.models) {
                    if (current !== job) return@run
                    tell(job) { it.copy(total = bundle.models.size) }
                    val row = row(bundle, model, choice)
                    tell(job) { it.copy(done = it.done + 1, rows = it.rows + row) }
                }
            }
            thread.tell { if (current === job) cancel() }
        }
    }

    fun cancel() {
        current = null
        show { it.copy(running = false) }
    }

    private fun row(
        bundle: Bundle,
        model: ModelFile,
        choice: Choice,
    ): CheckRow {
        if (model.format !in engines.formats) return CheckRow(model.file, null, null, Notice(R.string.not_in_build))
        return explained({ CheckRow(model.file, null, null, it) }) {
            engines.load(bundle, model, choice.threads, choice.acceleration).use { engine ->
                val result = VectorCheck(bundle).run(RunningModel(engine))
                CheckRow(
                    model.file,
                    result.difference,
                    result.allowed,
                    result.problem?.let { Notice(R.string.given, it) },
                )
            }
        }
    }

    private fun tell(
        job: Any,
        change: (CheckState) -> CheckState,
    ) = thread.tell { if (current === job) show(change) }

    private fun show(change: (CheckState) -> CheckState) = state.update { it.copy(check = change(it.check)) }
}
