package pan.demo.model

import android.os.Handler
import android.os.Looper
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/**
 * The one thread that owns the interpreter.
 *
 * Whatever loads, runs or closes a model goes through it, so that none is closed while it runs.
 */
class ModelThread {
    private val main = Handler(Looper.getMainLooper())
    private val executor =
        ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS, LinkedBlockingQueue()) {
            Thread(it, "model")
        }.apply { allowCoreThreadTimeOut(true) }

    /** Does something on it, after what was asked before. */
    fun run(work: () -> Unit) = executor.execute(work)

    /** Does something on the main thread. */
    fun tell(work: () -> Unit) {
        main.post(work)
    }

    private companion object {
        const val IDLE_SECONDS = 5L
    }
}
