package pan.demo.screens

import android.graphics.SurfaceTexture
import android.view.TextureView
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.Switch
import android.widget.TextView
import pan.demo.AppController
import pan.demo.CameraState
import pan.demo.LiveState
import pan.demo.MainActivity
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.R
import pan.demo.UiState
import pan.demo.camera.previewMatrix
import pan.demo.camera.seenInView
import pan.demo.views.HeatView
import pan.demo.views.ScoreList

/** Shows the camera preview and the answers of live recognition. */
class LiveScreen(
    private val activity: MainActivity,
    parent: ViewGroup,
    private val controller: AppController,
) : ScreenView {
    override val root: View = activity.layoutInflater.inflate(R.layout.live, parent, false)

    private val preview: TextureView = root.findViewById(R.id.preview)
    private val heat: HeatView = root.findViewById(R.id.heat)
    private val notice: View = root.findViewById(R.id.stage_notice)
    private val noticeText: TextView = root.findViewById(R.id.stage_text)
    private val action: Button = root.findViewById(R.id.stage_action)
    private val scores: ScoreList = root.findViewById(R.id.scores)
    private val unknown: TextView = root.findViewById(R.id.live_unknown)
    private val warning: TextView = root.findViewById(R.id.warning)
    private val rates: TextView = root.findViewById(R.id.rates)
    private val times: TextView = root.findViewById(R.id.times)
    private val motion: Switch = root.findViewById(R.id.motion)
    private var placed: LiveState? = null

    init {
        preview.surfaceTextureListener = Surface()
        root.findViewById<View>(R.id.turn_camera).setOnClickListener { controller.live.turn() }
        root.findViewById<View>(R.id.reset).setOnClickListener { controller.live.reset() }
        motion.setOnCheckedChangeListener { _, shown -> controller.live.setMotion(shown) }
        root.findViewById<View>(R.id.stage).addOnLayoutChangeListener {
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            ->
            place(controller.state.live)
        }
    }

    override fun show(state: UiState) {
        val live = state.live
        showNotice(live, state.model)
        if (live.geometry != placed?.geometry) place(live)
        showHeat(live)
        val answer = live.answer
        val resources = activity.resources
        unknown.say(answer?.unknownUpTo?.let { unknownText(resources, it) })
        scores.show(answer?.scores.orEmpty())
        warning.say(if (answer?.tooSlow == true) resources.getString(R.string.too_slow) else null)
        rates.say(answer?.let { resources.getString(R.string.rates, it.cameraRate, it.modelRate) })
        times.say(answer?.times?.let { resources.getString(R.string.times, it.preprocess, it.run, it.readBack) })
        motion.showIf((state.model as? ModelState.Ready)?.motion == true)
        motion.isChecked = live.showMotion
    }

    private fun showHeat(live: LiveState) {
        val newest = controller.live.heat
        if (!live.showMotion || newest == null || live.answer == null) {
            heat.clear()
        } else {
            synchronized(newest) { heat.show(newest.strengths, newest.width) }
        }
    }

    private fun noticeOf(
        live: LiveState,
        model: ModelState,
    ): Notice? {
        val camera = live.camera
        return when {
            camera is CameraState.NoPermission && camera.refused -> Notice(R.string.camera_refused)
            camera is CameraState.NoPermission -> Notice(R.string.camera_reason)
            camera is CameraState.Failed -> camera.reason
            model is ModelState.Failed -> model.reason
            model is ModelState.None -> Notice(R.string.no_bundle_live)
            camera !is CameraState.Running -> Notice(R.string.camera_opening)
            live.answer == null -> Notice(R.string.filling)
            else -> null
        }
    }

    private fun showNotice(
        live: LiveState,
        model: ModelState,
    ) {
        val camera = live.camera
        val text = noticeOf(live, model)
        notice.showIf(text != null)
        noticeText.say(text)
        val label =
            when {
                camera is CameraState.NoPermission -> R.string.allow_camera
                camera is CameraState.Failed || model is ModelState.Failed -> R.string.try_again
                else -> null
            }
        action.showIf(label != null)
        if (label == null) return
        action.setText(label)
        action.setOnClickListener {
            when (camera) {
                is CameraState.NoPermission -> activity.askForCamera(camera.refused)
                is CameraState.Failed -> controller.live.retry()
                else -> controller.models.retry()
            }
        }
    }

    /** Lays preview and overlay over each other. */
    private fun place(live: LiveState) {
        placed = live
        val geometry = live.geometry
        val width = preview.width.toFloat()
        val height = preview.height.toFloat()
        if (geometry == null || width == 0f || height == 0f) {
            heat.seen.setEmpty()
        } else {
            preview.setTransform(previewMatrix(width, height, geometry))
            heat.seen.set(seenInView(width, height, geometry))
            heat.mirrored = geometry.mirrored
        }
        heat.invalidate()
    }

    private inner class Surface : TextureView.SurfaceTextureListener {
        override fun onSurfaceTextureAvailable(
            surface: SurfaceTexture,
            width: Int,
            height: Int,
        ) = controller.live.setPreview(surface)

        override fun onSurfaceTextureSizeChanged(
            surface: SurfaceTexture,
            width: Int,
            height: Int,
        ) = place(controller.state.live)

        override fun onSurfaceTextureDestroyed(surface: SurfaceTexture): Boolean {
            controller.live.setPreview(null)
            return true
        }

        override fun onSurfaceTextureUpdated(surface: SurfaceTexture) = Unit
    }
}
