package pan.demo.screens

import android.view.View
import android.view.ViewGroup
import android.widget.ProgressBar
import android.widget.TextView
import pan.demo.AppController
import pan.demo.MainActivity
import pan.demo.ModelState
import pan.demo.R
import pan.demo.UiState
import pan.demo.views.ScoreList

/** Lets the user pick a video and shows the answer for it. */
class VideoScreen(
    private val activity: MainActivity,
    parent: ViewGroup,
    controller: AppController,
) : ScreenView {
    override val root: View = activity.layoutInflater.inflate(R.layout.video, parent, false)

    private val pick: View = root.findViewById(R.id.pick_video)
    private val cancel: View = root.findViewById(R.id.cancel_video)
    private val progress: ProgressBar = root.findViewById(R.id.video_progress)
    private val error: TextView = root.findViewById(R.id.video_error)
    private val label: TextView = root.findViewById(R.id.video_label)
    private val name: TextView = root.findViewById(R.id.video_name)
    private val times: TextView = root.findViewById(R.id.video_times)

    init {
        pick.setOnClickListener { activity.pick(MainActivity.VIDEO_REQUEST, arrayOf("video/*")) }
        cancel.setOnClickListener { controller.video.cancel() }
    }

    override fun show(state: UiState) {
        val video = state.video
        val resources = activity.resources
        val share = video.progress
        pick.isEnabled = state.model is ModelState.Ready && share == null
        cancel.showIf(share != null)
        progress.showIf(share != null)
        progress.progress = ((share ?: 0f) * progress.max).toInt()
        error.say(video.error)
        val best = video.scores.firstOrNull()
        label.say(video.unknownUpTo?.let { unknownText(resources, it) } ?: best?.label)
        name.say(video.name)
        list(R.id.probabilities_section, R.id.video_scores, video.scores.isNotEmpty()) { it.show(video.scores) }
        list(
            R.id.timescales_section,
            R.id.video_timescales,
            video.timescales.isNotEmpty(),
        ) { it.show(video.timescales) }
        root.findViewById<View>(R.id.timescales_about).showIf(video.timescales.isNotEmpty())
        times.say(
            if (best ==
                null
            ) {
                null
            } else {
                resources.getString(R.string.video_times, video.frames, video.milliseconds)
            },
        )
    }

    private fun list(
        section: Int,
        list: Int,
        shown: Boolean,
        fill: (ScoreList) -> Unit,
    ) {
        root.findViewById<View>(section).showIf(shown)
        val scores = root.findViewById<ScoreList>(list)
        scores.showIf(shown)
        if (shown) fill(scores)
    }
}
