package pan.engines

import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite
import pan.core.bundle.ModelFile
import pan.core.engine.Engine
import pan.core.engine.EngineException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A TFLite model on the CPU, or on what [options] say.
 *
 * ```
 * val engine = TfliteEngine(model, bundle.directContent(model), threads = 2)
 * ```
 *
 * @property model The file.
 * @param content The bytes of the file, in a direct buffer; they must not change.
 * @param threads Threads for one call.
 * @param options More of the interpreter's options, such as a delegate.
 * @throws EngineException If TFLite refuses the file or is not there.
 */
class TfliteEngine(
    override val model: ModelFile,
    content: ByteBuffer,
    threads: Int,
    options: Interpreter.Options.() -> Unit = {},
) : Engine {
    private val inputs = HashMap<String, Any>()
    private val outputs = HashMap<String, Any>()
    private val buffers: Array<ByteBuffer>
    private val interpreter =
        guarded {
            val release = TensorFlowLite.runtimeVersion()
            if (!model.runsOn(release)) {
                throw EngineException(
                    "${model.file}: needs TensorFlow Lite ${model.runtime}, but this app has $release; update it",
                )
            }
            Interpreter(content, Interpreter.Options().setNumThreads(threads).apply(options))
        }

    init {
        try {
            for (tensor in model.inputs) inputs[tensor.name] = direct(tensor.bytes)
            for (tensor in model.outputs) outputs[tensor.name] = direct(tensor.bytes)
            val given = guarded { interpreter.getSignatureInputs(model.signature).toSet() }
            if (given != inputs.keys) {
                throw EngineException("${model.file}: takes $given, but its bundle says ${inputs.keys}")
            }
        } catch (error: EngineException) {
            interpreter.close()
            throw error
        }
        buffers = (inputs.values + outputs.values).map { it as ByteBuffer }.toTypedArray()
    }

    override fun input(name: String): ByteBuffer = inputs.getValue(name) as ByteBuffer

    override fun output(name: String): ByteBuffer = outputs.getValue(name) as ByteBuffer

    override fun run() {
        for (buffer in buffers) buffer.clear()
        try {
            interpreter.runSignature(inputs, outputs, model.signature)
        } catch (error: RuntimeException) {
            throw refused(error)
        }
        for (buffer in buffers) buffer.clear()
    }

    override fun close() = interpreter.close()

    private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

    private fun <T> guarded(action: () -> T): T =
        try {
            action()
        } catch (error: RuntimeException) {
            throw refused(error)
        } catch (error: LinkageError) {
            throw EngineException("${model.file}: TensorFlow Lite is not in this build", error)
        }

    private fun refused(error: RuntimeException) =
        EngineException(
            "${model.file}: TensorFlow Lite refuses this model (${firstLine(error)}); export it again",
            error,
        )
}

internal fun firstLine(error: Throwable): String =
    error.message
        .orEmpty()
        .trim()
        .lineSequence()
        .first()
        .ifEmpty { error.javaClass.simpleName }
