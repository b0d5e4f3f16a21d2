package pan.core.engine

import pan.core.bundle.ModelFile
import java.nio.ByteBuffer

/**
 * A loaded model, called from one thread.
 *
 * Its buffers are made once, outside of the heap and in the byte order of the machine: put the
 * inputs in, call [run], and read the outputs.
 */
interface Engine : AutoCloseable {
    /** The model file that it runs. */
    val model: ModelFile

    /** The buffer of an input, at position 0. */
    fun input(name: String): ByteBuffer

    /** The buffer of an output, at position 0. */
    fun output(name: String): ByteBuffer

    /**
     * Runs the model once.
     *
     * @throws EngineException If the runtime cannot.
     */
    fun run()

    /** Frees the memory; nothing else may be called then. */
    override fun close()
}

/**
 * A model that a runtime refuses, or a runtime that is not there.
 *
 * @param message One sentence for the user.
 */
class EngineException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
