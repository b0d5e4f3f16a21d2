package pan.demo

import android.os.Bundle
import pan.demo.benchmark.BenchmarkController
import pan.demo.live.LiveController
import pan.demo.model.CheckController
import pan.demo.model.ModelHost
import pan.demo.model.ModelThread
import pan.demo.model.ModelsController
import pan.demo.video.VideoController

/**
 * The app without its views; it survives the rotation of the phone, which makes a new activity.
 *
 * Camera and model are released when the activity stops; a video, check or benchmark that is under
 * way goes on while the activity turns, and is given up when it is left.
 */
class AppController(
    parts: Parts,
    saved: Bundle?,
) {
    private val thread = ModelThread(::fail)
    private val store = StateStore(restored(saved, parts))
    private val host = ModelHost(parts.bundles, parts.engines, thread, store)
    private var visible = false

    val live = LiveController(parts.camera, host, thread, store)
    val video = VideoController(parts.videos, host, thread, store)
    val models = ModelsController(parts.bundles, host, thread, store, parts.phone.isX86)
    val check = CheckController(parts.bundles, parts.engines, thread, store)
    val benchmark =
        BenchmarkController(
            parts.bundles,
            parts.engines,
            parts.phone,
            parts.versions,
            host,
            thread,
            store,
            parts.benchmarkSeconds,
        )

    val state: UiState get() = store.state

    /** Sets the listener that shows states, and shows it the newest one; null removes it. */
    fun show(listener: ((UiState) -> Unit)?) {
        store.listener =
            listener?.let { shown ->
                { state ->
                    shown(state)
                    live.refresh()
                    video.refresh()
                }
            }
        listener?.invoke(state)
    }

    /** The activity has become visible. */
    fun start(displayRotation: Int) {
        val first = !visible
        visible = true
        if (first && !isBusy()) models.start()
        live.setVisible(true, displayRotation)
    }

    /** The activity is no longer visible. */
    fun stop(turning: Boolean) {
        visible = false
        live.setVisible(false, 0)
        if (turning && isBusy()) return
        cancel()
        host.release()
    }

    /** The model is given up after an exception that nobody expected; every screen says so. */
    private fun fail(reason: Notice) {
        cancel()
        store.update { it.copy(importing = false) }
        host.fail(reason)
    }

    private fun cancel() {
        video.cancel()
        check.cancel()
        benchmark.cancel()
    }

    fun go(screen: Screen) = store.update { it.copy(screen = screen) }

    /** Saves what restores screen and choices after the end of the process. */
    fun save(target: Bundle) {
        val choice = state.choice
        target.putString(SCREEN, state.screen.name)
        target.putString(BUNDLE, choice.bundle)
        target.putString(FILE, choice.file)
        target.putInt(THREADS, choice.threads)
        target.putString(ACCELERATION, choice.acceleration.name)
        target.putString(FACING, state.live.facing.name)
        target.putBoolean(MOTION, state.live.showMotion)
    }

    private fun isBusy() = video.isRunning || check.isRunning || benchmark.isRunning

    private companion object {
        const val SCREEN = "screen"
        const val BUNDLE = "bundle"
        const val FILE = "file"
        const val THREADS = "threads"
        const val ACCELERATION = "acceleration"
        const val FACING = "facing"
        const val MOTION = "motion"
        const val MOST_THREADS_AT_FIRST = 4

        fun restored(
            saved: Bundle?,
            parts: Parts,
        ): UiState {
            val cores = parts.phone.cores
            val first =
                UiState(
                    cores = cores,
                    accelerations = parts.engines.accelerations,
                    formats = parts.engines.formats,
                    choice = Choice(threads = minOf(cores, MOST_THREADS_AT_FIRST)),
                )
            if (saved == null) return first
            val choice =
                Choice(
                    saved.getString(BUNDLE),
                    saved.getString(FILE),
                    saved.getInt(THREADS, first.choice.threads).coerceIn(1, cores),
                    named(saved.getString(ACCELERATION), Acceleration.CPU),
                )
            val live =
                LiveState(facing = named(saved.getString(FACING), Facing.BACK), showMotion = saved.getBoolean(MOTION))
            return first.copy(screen = named(saved.getString(SCREEN), Screen.LIVE), choice = choice, live = live)
        }

        inline fun <reified T : Enum<T>> named(
            name: String?,
            otherwise: T,
        ): T = enumValues<T>().find { it.name == name } ?: otherwise
    }
}
