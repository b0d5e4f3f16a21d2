package pan.demo.live

import android.graphics.SurfaceTexture
import android.view.Surface
import pan.core.frames.YuvPicture
import pan.demo.CameraState
import pan.demo.Facing
import pan.demo.LiveState
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.PreviewGeometry
import pan.demo.R
import pan.demo.Screen
import pan.demo.StateStore
import pan.demo.camera.FrameSource
import pan.demo.model.LoadedModel
import pan.demo.model.ModelHost
import pan.demo.model.ModelThread
import pan.demo.model.explained

/** Opens the camera while the live screen is visible and a model is ready. Called from the main thread. */
class LiveController(
    private val camera: FrameSource,
    private val host: ModelHost,
    private val thread: ModelThread,
    private val state: StateStore,
) {
    private var texture: SurfaceTexture? = null
    private var rotation = 0 // quarters of a turn of the display
    private var visible = false
    private var permitted = false
    private var session: Session? = null

    /** The motion of the newest answer; null if there is none. */
    val heat: Heat? get() = session?.run?.heat

    /** Tells whether the activity is visible. */
    fun setVisible(
        shown: Boolean,
        displayRotation: Int,
    ) {
        if (visible == shown && rotation == displayRotation) return
        visible = shown
        rotation = displayRotation
        stop()
        refresh()
    }

    /** Sets the texture that shows the preview; null removes it. */
    fun setPreview(surface: SurfaceTexture?) {
        texture = surface
        if (surface == null) stop()
        refresh()
    }

    /** Tells whether the user permits the camera. */
    fun setPermitted(
        granted: Boolean,
        refused: Boolean,
    ) {
        permitted = granted
        if (!granted) stop()
        show { it.copy(camera = if (granted) CameraState.Off else CameraState.NoPermission(refused)) }
        refresh()
    }

    /** Switches between back and front camera, if the phone has both. */
    fun turn() {
        val other = if (state.state.live.facing == Facing.BACK) Facing.FRONT else Facing.BACK
        if (!camera.has(other)) return
        stop { it.copy(facing = other) }
        refresh()
    }

    /** Forgets all frames so far. */
    fun reset() {
        session?.run?.intake?.reset()
    }

    fun setMotion(shown: Boolean) = show { it.copy(showMotion = shown) }

    /** Opens or closes the camera as the state requires. To be called after each change of the state. */
    fun refresh() {
        val now = state.state
        val model = now.model as? ModelState.Ready
        val wanted = visible && permitted && texture != null && now.screen == Screen.LIVE && model != null
        val current = session
        if (current != null && (!wanted || current.model != model)) stop()
        if (wanted && session == null && now.live.camera !is CameraState.Failed) start(checkNotNull(model))
    }

    /** Tries again after a failure. */
    fun retry() {
        show { it.copy(camera = CameraState.Off) }
        refresh()
    }

    private fun start(model: ModelState.Ready) {
        val facing = facing()
        if (facing == null) {
            show { it.copy(camera = CameraState.Failed(Notice(R.string.no_camera))) }
            return
        }
        val started = Session(model, facing)
        session = started
        show { it.copy(camera = CameraState.Opening, facing = facing, answer = null, geometry = null) }
        host.use { loaded ->
            val run = LiveRun(loaded) { started.wake() }
            thread.tell { if (session === started) started.open(loaded, run) }
        }
    }

    private fun facing(): Facing? {
        val wanted = state.state.live.facing
        return (listOf(wanted) + Facing.entries).find(camera::has)
    }

    /**
     * Closes the camera.
     *
     * @param change Made together with it: each change of the state asks [refresh] whether to open it.
     */
    private fun stop(change: (LiveState) -> LiveState = { it }) {
        val current = session
        if (current != null) {
            session = null
            camera.close()
            current.ended = true
        }
        val off = current != null
        show { change(if (off) it.copy(camera = CameraState.Off, answer = null, geometry = null) else it) }
    }

    private fun show(change: (LiveState) -> LiveState) = state.update { it.copy(live = change(it.live)) }

    /** The time from opening the camera to closing it. */
    private inner class Session(
        val model: ModelState.Ready,
        private val facing: Facing,
    ) : FrameSource.Listener {
        @Volatile
        var ended = false
        var run: LiveRun? = null
        private var loaded: LoadedModel? = null

        @Volatile
        private var posted = false
        private val answer = { answer() }

        fun open(
            loaded: LoadedModel,
            run: LiveRun,
        ) {
            this.loaded = loaded
            this.run = run
            val input = loaded.bundle.input
            camera.open(
                facing,
                ::surface,
                rotation * QUARTER,
                maxOf(input.resize, minOf(input.height, input.width)),
                this,
            )
        }

        fun wake() = thread.run(answer)

        override fun onOpened(
            width: Int,
            height: Int,
        ) {
            val seen = FrameIntake.seen(checkNotNull(loaded).bundle, width, height)
            val geometry = PreviewGeometry(width, height, rotation, facing == Facing.FRONT, seen)
            tell { it.copy(camera = CameraState.Running(facing), geometry = geometry) }
        }

        override fun onFrame(
            picture: YuvPicture,
            nanoseconds: Long,
        ) {
            explained(::onFailed) { run?.intake?.take(picture, nanoseconds) }
        }

        override fun onFailed(reason: Notice) {
            thread.tell {
                if (session !== this) return@tell
                stop { it.copy(camera = CameraState.Failed(reason)) }
            }
        }

        private fun surface(
            width: Int,
            height: Int,
        ): Surface? =
            texture?.let {
                it.setDefaultBufferSize(width, height)
                Surface(it)
            }

        /** Runs on the model thread. */
        private fun answer() {
            val run = run
            if (ended || run == null) return
            explained(::onFailed) {
                if (!run.answer() || posted) return
                val newest = run.shown()
                posted = true
                tell {
                    posted = false
                    it.copy(answer = newest)
                }
            }
        }

        private fun tell(change: (LiveState) -> LiveState) = thread.tell { if (session === this) show(change) }
    }

    private companion object {
        const val QUARTER = 90
    }
}
