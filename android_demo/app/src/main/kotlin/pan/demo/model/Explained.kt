package pan.demo.model

import android.util.Log
import pan.core.bundle.BundleException
import pan.core.engine.EngineException
import pan.demo.Notice
import pan.demo.R

/**
 * Runs [work]; an exception becomes a sentence for the user instead of the end of the app.
 *
 * An exception that nobody expected is named in the sentence, and its stack trace is in the log.
 *
 * @param otherwise Gives the result in place of [work], for a sentence about what went wrong.
 */
inline fun <T> explained(
    otherwise: (Notice) -> T,
    work: () -> T,
): T =
    try {
        work()
    } catch (error: BundleException) {
        otherwise(Notice(R.string.given, error.message.orEmpty()))
    } catch (error: EngineException) {
        otherwise(Notice(R.string.given, error.message.orEmpty()))
    } catch (error: OutOfMemoryError) {
        Log.e("pan-demo", "out of memory", error)
        otherwise(Notice(R.string.no_memory))
    } catch (error: RuntimeException) {
        Log.e("pan-demo", "unexpected", error)
        otherwise(Notice(R.string.unexpected, error.message ?: error.javaClass.simpleName))
    }
