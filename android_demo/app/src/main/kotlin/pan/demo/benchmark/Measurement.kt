package pan.demo.benchmark

import pan.core.bundle.ModelFile
import pan.demo.Acceleration

/**
 * What was measured of a model file with a number of threads.
 *
 * @property acceleration What computed.
 * @property times Times of its calls; null if it was not measured.
 * @property preprocess Milliseconds to prepare the frames of a call.
 * @property difference Largest difference of a logit from the vectors.
 * @property xnnpack Whether XNNPACK was in effect; null if that was not to be found out.
 * @property sustained Medians of the first and the last tenth of a long run; null if there was none.
 * @property error Why there are no times.
 */
class Measurement(
    val model: ModelFile,
    val threads: Int,
    val acceleration: Acceleration,
    val times: CallTimes? = null,
    val preprocess: Float? = null,
    val difference: Float? = null,
    val xnnpack: Boolean? = null,
    val sustained: Sustained? = null,
    val error: String? = null,
) {
    /** Milliseconds at the start and at the end of a long run, and the calls in it. */
    class Sustained(
        val seconds: Int,
        val calls: Int,
        val first: Float,
        val last: Float,
    )
}
