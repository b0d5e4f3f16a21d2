package pan.demo.model

import ai.onnxruntime.OrtEnvironment
import org.tensorflow.lite.Delegate
import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.engine.Engine
import pan.core.engine.EngineException
import pan.demo.Acceleration
import pan.engines.OnnxEngine
import pan.engines.TfliteEngine
import java.nio.ByteBuffer

/** Loads models into runtimes; tests use a fake. */
interface Engines {
    /** Accelerations of this phone and this build, the processor first. */
    val accelerations: List<Acceleration>

    /** Formats whose runtime is in this build: `tflite`, `onnx`. */
    val formats: Set<String>

    /**
     * Loads a model file.
     *
     * @throws EngineException If the runtime refuses it, or is not in this build.
     * @throws pan.core.bundle.BundleException If the file has changed, or the memory does not suffice.
     */
    fun load(
        bundle: Bundle,
        model: ModelFile,
        threads: Int,
        acceleration: Acceleration,
    ): Engine
}

/** TensorFlow Lite for `tflite` files, ONNX Runtime for `onnx` files where its libraries are in the build. */
class PhoneEngines : Engines {
    override val accelerations: List<Acceleration> = Acceleration.entries.filter { it != Acceleration.GPU || hasGpu() }

    override val formats: Set<String> = if (hasOnnxRuntime()) setOf("tflite", "onnx") else setOf("tflite")

    override fun load(
        bundle: Bundle,
        model: ModelFile,
        threads: Int,
        acceleration: Acceleration,
    ): Engine {
        val isTflite = model.format == "tflite"
        if (!isTflite &&
            acceleration !in PROCESSOR
        ) {
            throw EngineException("${model.file}: ONNX files run on the processor alone")
        }
        val content = bundle.directContent(model)
        return if (isTflite) tflite(model, content, threads, acceleration) else OnnxEngine(model, content, threads)
    }

    private fun tflite(
        model: ModelFile,
        content: ByteBuffer,
        threads: Int,
        acceleration: Acceleration,
    ): Engine =
        when (acceleration) {
            Acceleration.CPU -> TfliteEngine(model, content, threads) { setUseXNNPACK(true) }
            Acceleration.CPU_PLAIN -> TfliteEngine(model, content, threads) { setUseXNNPACK(false) }
            Acceleration.NNAPI -> TfliteEngine(model, content, threads) { setUseNNAPI(true) }
            Acceleration.GPU -> onGpu(model, content, threads)
        }

    /** The delegate outlives the interpreter that uses it. */
    private fun onGpu(
        model: ModelFile,
        content: ByteBuffer,
        threads: Int,
    ): Engine {
        val delegate = gpuDelegate()
        try {
            val engine = TfliteEngine(model, content, threads) { addDelegate(delegate) }
            return object : Engine by engine {
                override fun close() {
                    engine.close()
                    delegate.close()
                }
            }
        } catch (error: EngineException) {
            delegate.close()
            throw error
        }
    }

    private companion object {
        const val GPU_DELEGATE = "org.tensorflow.lite.gpu.GpuDelegate"
        val PROCESSOR = setOf(Acceleration.CPU, Acceleration.CPU_PLAIN)

        /** Whether the build has the GPU delegate: an artefact of its own, and not in all builds. */
        fun hasGpu(): Boolean =
            try {
                Class.forName(GPU_DELEGATE)
                true
            } catch (_: ClassNotFoundException) {
                false
            }

        /** Whether its libraries are there, and not its Java classes alone. */
        fun hasOnnxRuntime(): Boolean =
            try {
                OrtEnvironment.getEnvironment()
                true
            } catch (_: LinkageError) {
                false
            } catch (_: IllegalStateException) {
                false
            }

        fun gpuDelegate(): Delegate =
            try {
                Class.forName(GPU_DELEGATE).getDeclaredConstructor().newInstance() as Delegate
            } catch (error: ReflectiveOperationException) {
                throw EngineException("The GPU delegate cannot start (${error.cause ?: error})", error)
            } catch (error: LinkageError) {
                throw EngineException("The GPU delegate cannot be loaded", error)
            }
    }
}
