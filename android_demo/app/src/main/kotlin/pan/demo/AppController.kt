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
 * All of the app but its views; it outlives an activity that is only turned.
 *
 * Camera and model are released when the activity stops; a video, check or benchmark that is under
 * way goes on while the activity turns, and is given up when it is left.
 */
class AppController(
    parts: Parts,
    saved: Bundle?,
) {
    private val thread = ModelThread()
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

    /** Shows every state from now on; null shows none. */
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

    /** The activity can be seen. */
    fun start(displayRotation: Int) {
        val first = !visible
        visible = true
        if (first && !isBusy()) models.start()
        live.setVisible(true, displayRotation)
    }

    /** The activity cannot be seen any more. */
    fun stop(turning: Boolean) {
        visible = false
        live.setVisible(false, 0)
        if (turning && isBusy()) return
        video.cancel()
        check.cancel()
        benchmark.cancel()
        host.release()
    }

    fun go(screen: Screen) = store.update { it.copy(screen = screen) }

    /** What brings the choices back when the process has ended. */
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
