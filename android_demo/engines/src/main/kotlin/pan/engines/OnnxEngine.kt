package pan.engines

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession
import pan.core.bundle.ModelFile
import pan.core.bundle.TensorSpec
import pan.core.engine.Engine
import pan.core.engine.EngineException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * An ONNX model on the CPU.
 *
 * @property model The file.
 * @param content The bytes of the file.
 * @param threads Threads for one call.
 * @throws EngineException If ONNX Runtime refuses the file, or is not in this build.
 */
class OnnxEngine(
    override val model: ModelFile,
    content: ByteBuffer,
    threads: Int,
) : Engine {
    private val inputBuffers = model.inputs.associate { it.name to direct(it.bytes) }
    private val outputBuffers = model.outputs.associate { it.name to direct(it.bytes) }
    private val session: OrtSession = guarded { open(content, threads) }
    private val inputs: Map<String, OnnxTensor>
    private val outputs: Map<String, OnnxTensor>

    init {
        try {
            val given = session.inputNames
            if (given != inputBuffers.keys) {
                throw EngineException("${model.file}: takes $given, but its bundle says ${inputBuffers.keys}")
            }
            inputs = guarded { tensors(model.inputs, inputBuffers) }
            outputs = guarded { tensors(model.outputs, outputBuffers) }
        } catch (error: EngineException) {
            session.close()
            throw error
        }
    }

    override fun input(name: String): ByteBuffer = inputBuffers.getValue(name)

    override fun output(name: String): ByteBuffer = outputBuffers.getValue(name)

    override fun run() {
        try {
            session.run(inputs, outputs).close()
        } catch (error: OrtException) {
            throw refused(error)
        }
    }

    override fun close() {
        inputs.values.forEach(OnnxTensor::close)
        outputs.values.forEach(OnnxTensor::close)
        session.close()
    }

    private fun open(
        content: ByteBuffer,
        threads: Int,
    ): OrtSession {
        val options = OrtSession.SessionOptions()
        options.setIntraOpNumThreads(threads)
        return options.use { OrtEnvironment.getEnvironment().createSession(content, it) }
    }

    /** Tensors that share the memory of the buffers: what a call reads and writes. */
    private fun tensors(
        specs: List<TensorSpec>,
        buffers: Map<String, ByteBuffer>,
    ): Map<String, OnnxTensor> =
        specs.associate { spec ->
            val shape = spec.shape.map(Int::toLong).toLongArray()
            val type =
                TYPES[spec.dtype]
                    ?: throw EngineException("${model.file}: ${spec.name} is ${spec.dtype}, which this app cannot give")
            spec.name to
                OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), buffers.getValue(spec.name), shape, type)
        }

    private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

    private fun <T> guarded(action: () -> T): T =
        try {
            action()
        } catch (error: OrtException) {
            throw refused(error)
        } catch (error: LinkageError) {
            throw EngineException("${model.file}: ONNX Runtime is not in this build", error)
        } catch (error: IllegalStateException) {
            // Where its own libraries cannot be loaded.
            throw EngineException("${model.file}: ONNX Runtime is not in this build", error)
        }

    private fun refused(error: OrtException) =
        EngineException("${model.file}: ONNX Runtime refuses this model (${firstLine(error)}); export it again", error)

    private companion object {
        val TYPES =
            mapOf(
                "uint8" to OnnxJavaType.UINT8,
                "float32" to OnnxJavaType.FLOAT,
                "float16" to OnnxJavaType.FLOAT16,
                "int32" to OnnxJavaType.INT32,
                "int64" to OnnxJavaType.INT64,
            )
    }
}
