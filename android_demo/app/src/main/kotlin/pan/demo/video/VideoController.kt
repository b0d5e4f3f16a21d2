package pan.demo.video

import android.net.Uri
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.R
import pan.demo.Score
import pan.demo.StateStore
import pan.demo.VideoState
import pan.demo.model.LoadedModel
import pan.demo.model.ModelHost
import pan.demo.model.ModelThread
import pan.demo.model.explained
import java.io.IOException

/** Recognises one video at a time. Called from the main thread. */
class VideoController(
    private val videos: VideoSource,
    private val host: ModelHost,
    private val thread: ModelThread,
    private val state: StateStore,
) {
    @Volatile
    private var current: Any? = null

    private var waiting: Uri? = null

    /** Whether a video is being read, or waits for the model. */
    val isRunning: Boolean get() = current != null || waiting != null

    /**
     * Recognises a video as soon as there is a model: while the user picked it, the app was left and
     * the model released. Another video that is being read is given up.
     */
    fun recognise(uri: Uri) {
        current = null
        waiting = uri
        show { VideoState(progress = 0f) }
        refresh()
    }

    /** Goes on where a video waits for the model: to be called after each change of the state. */
    fun refresh() {
        val uri = waiting ?: return
        val model = state.state.model
        if (model is ModelState.Ready) {
            start(uri)
        } else if (model is ModelState.Failed) {
            waiting = null
            show { VideoState(error = model.reason) }
        }
    }

    private fun start(uri: Uri) {
        waiting = null
        val job = Any()
        current = job
        host.use { model ->
            if (current === job) {
                val result = result(uri, model) { share -> report(job, share) }
                thread.tell { if (current === job) finish(result) }
            }
        }
    }

    fun cancel() {
        current = null
        waiting = null
        show { it.copy(progress = null) }
    }

    private fun finish(result: VideoState?) {
        current = null
        show { result ?: it.copy(progress = null) }
    }

    private fun report(
        job: Any,
        share: Float,
    ): Boolean {
        thread.tell { if (current === job) show { it.copy(progress = share) } }
        return current === job
    }

    private fun result(
        uri: Uri,
        model: LoadedModel,
        progress: (Float) -> Boolean,
    ): VideoState? =
        explained({ VideoState(error = it) }) {
            try {
                videos.open(uri).use { video ->
                    VideoAnswer.of(video, model, progress)?.let { shown(video.name, it, model) }
                }
            } catch (error: IOException) {
                VideoState(error = Notice(R.string.video_unreadable, error.message.orEmpty()))
            } catch (error: SecurityException) {
                VideoState(error = Notice(R.string.video_unreadable, error.message.orEmpty()))
            }
        }

    private fun shown(
        name: String,
        answer: VideoAnswer,
        model: LoadedModel,
    ): VideoState {
        val labels = model.bundle.labels
        val order = labels.indices.sortedByDescending { answer.probabilities[it] }
        return VideoState(
            name = name,
            scores = order.take(SHOWN).map { Score(labels[it], answer.probabilities[it].toFloat()) },
            timescales = answer.timescales.mapIndexed { place, weight -> Score("${place + 1}", weight) },
            unknownUpTo = answer.unknownUpTo,
            frames = answer.frames,
            milliseconds = answer.milliseconds,
        )
    }

    private fun show(change: (VideoState) -> VideoState) = state.update { it.copy(video = change(it.video)) }

    private companion object {
        const val SHOWN = 10
    }
}
