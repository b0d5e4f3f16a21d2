package pan.demo.live

import pan.core.answer.Smoothing
import pan.core.answer.TopClasses
import pan.demo.LiveAnswer
import pan.demo.Score
import pan.demo.StepTimes
import pan.demo.model.LoadedModel

/**
 * Live recognition with one model: answers on the model thread, for the frames that [intake] hands on.
 *
 * @param model Stays open while this is used.
 * @param wake Asks for a call of [answer] on the model thread.
 */
class LiveRun(
    private val model: LoadedModel,
    wake: () -> Unit,
) {
    /** Takes the pictures of the camera. */
    val intake = FrameIntake(model.bundle, model.model, wake)

    /** The motion of the newest answer; null if the model gives none. Synchronise on it to read it. */
    val heat: Heat? = if (model.model.hasMotion) Heat(model.model) else null

    private val labels = model.bundle.labels
    private val probabilities = DoubleArray(labels.size)
    private val smoothing = Smoothing(SMOOTHED, labels.size)
    private val top = TopClasses(SHOWN, labels.size)
    private val rate = Rate()
    private var lastReplaced = 0
    private var slowSteps = 0

    /** Runs the model on the newest frames and returns whether there were any. */
    fun answer(): Boolean {
        val frames = intake.newest.take() ?: return false
        if (intake.newest.takenFirst) {
            model.running.reset()
            smoothing.reset()
        }
        val logits = model.running.run(frames)
        model.confidence.probabilities(logits, probabilities)
        smoothing.add(probabilities)
        top.update(smoothing.mean)
        heat?.let { synchronized(it) { model.motion()?.let(it::read) } }
        rate.count(System.nanoTime())
        noteSpeed()
        return true
    }

    /** The newest answer, for the screen. */
    fun shown(): LiveAnswer =
        LiveAnswer(
            scores = top.places.map { Score(labels[it], smoothing.mean[it].toFloat()) },
            unknownUpTo =
                model.confidence.threshold
                    ?.takeIf { model.confidence.isUnknown(smoothing.mean) }
                    ?.toFloat(),
            cameraRate = intake.rate.newest(),
            modelRate = rate.newest(),
            times =
                StepTimes(
                    intake.preparationNanoseconds / MILLISECOND,
                    model.running.runNanos / MILLISECOND,
                    model.running.readNanos / MILLISECOND,
                ),
            tooSlow = slowSteps > 0,
        )

    /** Frames that were replaced before they ran: the phone does not keep up. It is told for some steps. */
    private fun noteSpeed() {
        val replaced = intake.newest.replaced
        slowSteps = if (replaced > lastReplaced) TOLD_STEPS else maxOf(0, slowSteps - 1)
        lastReplaced = replaced
    }

    private companion object {
        const val SHOWN = 3
        const val SMOOTHED = 4
        const val TOLD_STEPS = 20
        const val MILLISECOND = 1e6f
    }
}
