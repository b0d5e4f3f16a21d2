package pan.demo.model

import android.os.Handler
import android.os.Looper
import pan.demo.Notice

/**
 * The one thread that owns the interpreter.
 *
 * Everything that loads, runs or closes a model goes through it, so that no model is closed while it runs. Handing
 * work over allocates nothing, which an executor of the JDK does with every task. The thread ends when it has been
 * idle for some seconds; the next work starts another.
 *
 * @param failed Gets, on the main thread, a sentence about an exception that the work itself did not handle.
 */
class ModelThread(
    private val failed: (Notice) -> Unit,
) {
    private val main = Handler(Looper.getMainLooper())

    @Suppress("PLATFORM_CLASS_MAPPED_TO_KOTLIN") // Waiting with a lock of java.util.concurrent allocates.
    private val lock = Object()
    private val waiting = ArrayDeque<() -> Unit>()
    private var isAlive = false

    /** Runs [work] on the model thread, after all work that was handed over before. */
    fun run(work: () -> Unit) =
        synchronized(lock) {
            waiting.addLast(work)
            if (isAlive) {
                lock.notify()
            } else {
                isAlive = true
                Thread(::loop, "model").start()
            }
        }

    /** Runs [work] on the main thread. */
    fun tell(work: () -> Unit) {
        main.post(work)
    }

    private fun loop() {
        while (true) {
            val work = next() ?: return
            explained({ reason -> tell { failed(reason) } }, work)
        }
    }

    private fun next(): (() -> Unit)? =
        synchronized(lock) {
            if (waiting.isEmpty()) lock.wait(IDLE_MS)
            isAlive = waiting.isNotEmpty()
            waiting.removeFirstOrNull()
        }

    private companion object {
        const val IDLE_MS = 5000L
    }
}
