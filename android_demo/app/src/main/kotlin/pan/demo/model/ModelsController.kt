package pan.demo.model

import android.content.ContentResolver
import android.net.Uri
import pan.core.bundle.BundleException
import pan.demo.Acceleration
import pan.demo.BundleItem
import pan.demo.Choice
import pan.demo.FileItem
import pan.demo.Notice
import pan.demo.R
import pan.demo.StateStore
import java.io.FileNotFoundException
import java.io.IOException

/** Lists, imports and removes bundles, and chooses the model to use. Called from the main thread. */
class ModelsController(
    private val bundles: BundleStore,
    private val host: ModelHost,
    private val thread: ModelThread,
    private val state: StateStore,
    private val isX86: Boolean,
) {
    /** Lists the bundles and loads the model that was chosen, or the first usable one if it is gone. */
    fun start() {
        thread.run {
            val items = bundles.items()
            thread.tell {
                state.update { it.copy(bundles = items) }
                choose(kept(state.state.choice))
            }
        }
    }

    fun chooseBundle(id: String) {
        val item = state.state.bundles.find { it.id == id } ?: return
        if (id == state.state.choice.bundle) return
        choose(state.state.choice.copy(bundle = id, file = suggested(item)?.file))
    }

    /** Loads what is chosen again, after a failure. */
    fun retry() = choose(state.state.choice)

    fun chooseFile(file: String) = choose(state.state.choice.copy(file = file))

    fun chooseThreads(threads: Int) = choose(state.state.choice.copy(threads = threads))

    fun chooseAcceleration(acceleration: Acceleration) = choose(state.state.choice.copy(acceleration = acceleration))

    /** Imports a bundle from a zip file and chooses it, which runs its test vectors. */
    fun import(
        resolver: ContentResolver,
        uri: Uri,
        name: String,
    ) {
        state.update { it.copy(importing = true, importError = null) }
        thread.run {
            var error: Notice? = null
            var id: String? = null
            explained({ error = it }) {
                try {
                    val stream = resolver.openInputStream(uri) ?: throw FileNotFoundException(name)
                    id = stream.use { bundles.import(it, name) }
                } catch (problem: IOException) {
                    error = Notice(R.string.import_unreadable, problem.message.orEmpty())
                } catch (problem: SecurityException) {
                    error = Notice(R.string.import_unreadable, problem.message.orEmpty())
                }
            }
            val items = bundles.items()
            thread.tell {
                state.update { it.copy(importing = false, importError = error, bundles = items) }
                id?.let(::chooseBundle)
            }
        }
    }

    /** Removes the chosen bundle if it was imported. */
    fun remove() {
        val item = state.state.bundle?.takeIf { it.imported } ?: return
        host.release()
        thread.run {
            bundles.remove(item.id)
            val items = bundles.items()
            thread.tell {
                state.update { it.copy(bundles = items) }
                choose(kept(state.state.choice))
            }
        }
    }

    /** Reads the model card of the chosen bundle. */
    fun card(show: (String) -> Unit) {
        val id = state.state.choice.bundle ?: return
        thread.run {
            val text =
                try {
                    val bundle = bundles.open(id)
                    val licence = bundle.licence.entries.joinToString("\n") { "${it.key}: ${it.value}" }
                    "${bundle.card().orEmpty()}\n\n$licence"
                } catch (error: BundleException) {
                    error.message.orEmpty()
                }
            thread.tell { show(text) }
        }
    }

    private fun choose(choice: Choice) {
        state.update { it.copy(choice = choice) }
        host.load(choice)
    }

    private fun kept(choice: Choice): Choice {
        val usable = state.state.bundles.filter { it.problem == null }
        val item =
            usable.find { it.id == choice.bundle } ?: usable.firstOrNull()
                ?: return choice.copy(bundle = null, file = null)
        val file = item.files.find { it.file == choice.file } ?: suggested(item)
        return choice.copy(bundle = item.id, file = file?.file)
    }

    /**
     * TFLite before ONNX, a streaming model before one of clips, and int8 before the others; on x86
     * float32, for int8 is slow there.
     */
    private fun suggested(item: BundleItem): FileItem? {
        val precision = if (isX86) "float32" else "int8"
        return item.files.maxByOrNull { file ->
            (if (file.format == "tflite") TFLITE else 0) + (if (file.streaming) STREAMING else 0) +
                (if (file.precision == precision) 1 else 0)
        }
    }

    private companion object {
        const val TFLITE = 4
        const val STREAMING = 2
    }
}
