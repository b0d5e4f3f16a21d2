package pan.demo.video

import pan.core.VideoClip
import pan.core.sampling.WholeVideo
import pan.demo.model.LoadedModel
import java.io.IOException

/**
 * The answer for a whole video, sampled as `pan-keras evaluate` does.
 *
 * @property probabilities In the order of the labels.
 * @property unknownUpTo The threshold that no probability is above; null if there is an answer.
 * @property timescales How much each timescale counts; empty if the bundle does not say it.
 * @property milliseconds Duration of the model's calls.
 */
class VideoAnswer private constructor(
    val probabilities: DoubleArray,
    val unknownUpTo: Float?,
    val timescales: FloatArray,
    val frames: Int,
    val milliseconds: Float,
) {
    companion object {
        private const val MILLISECOND = 1e6f
        private const val WEIGHTS = "weights"

        /**
         * Reads a video and runs the model.
         *
         * @param progress Receives the share of the pictures that are read, 0 to 1; returning false cancels.
         * @return Null if it was cancelled.
         * @throws IOException If the video cannot be decoded.
         */
        @Throws(IOException::class)
        fun of(
            video: Video,
            model: LoadedModel,
            progress: (Float) -> Boolean,
        ): VideoAnswer? {
            if (video.count < 1) throw IOException("it has no pictures")
            val clip = VideoClip(model.bundle.input, video.count)
            if (!fill(clip, video, WholeVideo.frames(video.count, model.bundle.input), progress)) return null
            val start = System.nanoTime()
            val logits = clip.recognise(model.running)
            val nanoseconds = System.nanoTime() - start
            val probabilities = DoubleArray(model.bundle.labels.size)
            model.confidence.probabilities(logits, probabilities)
            model.running.reset()
            return VideoAnswer(
                probabilities,
                model.confidence.threshold
                    ?.takeIf { model.confidence.isUnknown(probabilities) }
                    ?.toFloat(),
                weights(model),
                video.count,
                nanoseconds / MILLISECOND,
            )
        }

        private fun fill(
            clip: VideoClip,
            video: Video,
            places: IntArray,
            progress: (Float) -> Boolean,
        ): Boolean {
            val wanted = places.distinct().sorted().toIntArray()
            var goesOn = true
            var done = 0
            video.read(wanted) { number, picture ->
                clip.put(number, picture)
                done++
                goesOn = progress(done.toFloat() / wanted.size)
                goesOn
            }
            if (goesOn && !clip.isComplete) throw IOException("it ends after fewer pictures than it says")
            return goesOn
        }

        private fun weights(model: LoadedModel): FloatArray {
            val spec = model.model.output(WEIGHTS) ?: return FloatArray(0)
            val numbers = model.running.output(WEIGHTS).asFloatBuffer()
            return FloatArray(spec.shape.last()).also { numbers.get(it) }
        }
    }
}
