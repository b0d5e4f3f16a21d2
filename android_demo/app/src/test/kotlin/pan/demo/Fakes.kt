package pan.demo

import android.net.Uri
import android.view.Surface
import pan.core.bundle.Bundle
import pan.core.bundle.ModelFile
import pan.core.bundle.TensorSpec
import pan.core.bundle.Vectors
import pan.core.engine.Engine
import pan.core.engine.EngineException
import pan.core.frames.YuvPicture
import pan.demo.benchmark.Phone
import pan.demo.camera.FrameSource
import pan.demo.model.Engines
import pan.demo.video.Video
import pan.demo.video.VideoSource
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Engines that know the answers of the vectors, and what is told them to do wrong. */
class FakeEngines : Engines {
    override val accelerations = listOf(Acceleration.CPU, Acceleration.CPU_PLAIN, Acceleration.NNAPI)

    override val formats = setOf("tflite", "onnx")

    /** What a load throws, by file. */
    val refused = mutableMapOf<String, () -> Nothing>()

    /** By how much all logits are off, by acceleration. */
    val offBy = mutableMapOf<Acceleration, Float>()

    /** What a call throws; null if it works. */
    @Volatile
    var failure: (() -> Nothing)? = null

    /** What closing an engine throws; null if it works. */
    var failureOfClose: (() -> Nothing)? = null

    /** How long a call takes. */
    var callMilliseconds = 0L

    /** How many calls there were. */
    @Volatile
    var calls = 0

    /** Number of the thread of the newest call. */
    @Volatile
    var thread = 0L

    /** File, threads and acceleration of each load. */
    val loads = mutableListOf<Triple<String, Int, Acceleration>>()

    /** How many are open now. */
    @Volatile
    var open = 0

    @Synchronized
    override fun load(
        bundle: Bundle,
        model: ModelFile,
        threads: Int,
        acceleration: Acceleration,
    ): Engine {
        loads += Triple(model.file, threads, acceleration)
        refused[model.file]?.invoke()
        return Known(bundle, model, offBy[acceleration] ?: 0f)
    }

    private inner class Known(
        bundle: Bundle,
        override val model: ModelFile,
        private val error: Float,
    ) : Engine {
        private val inputs = model.inputs.associate { it.name to buffer(it) }
        private val outputs = model.outputs.associate { it.name to buffer(it) }
        private val answers = HashMap<ByteBuffer, FloatArray>()
        private val other = FloatArray(output(ModelFile.LOGITS).capacity() / Float.SIZE_BYTES) { it.toFloat() }
        private var isOpen = true

        init {
            val vectors = Vectors.read(bundle)
            val expected = checkNotNull(vectors.of(model)).logits
            for (clip in 0 until vectors.clips) {
                val frames = vectors.clip(clip)
                for ((step, logits) in expected[clip].withIndex()) {
                    val bytes = frames.capacity() / expected[clip].size
                    frames.clear()
                    frames.position(step * bytes)
                    frames.limit((step + 1) * bytes)
                    answers[ByteBuffer.allocate(bytes).put(frames).also { it.flip() }] = logits
                }
            }
            open++
        }

        override fun input(name: String) = inputs.getValue(name)

        override fun output(name: String) = outputs.getValue(name)

        override fun run() {
            check(isOpen) { "run after close" }
            failure?.invoke()
            if (callMilliseconds > 0) Thread.sleep(callMilliseconds)
            val frames = input(ModelFile.FRAMES)
            frames.clear()
            val logits = answers[frames] ?: other
            val output = output(ModelFile.LOGITS)
            for (place in logits.indices) output.putFloat(place * Float.SIZE_BYTES, logits[place] + error)
            thread = Thread.currentThread().id
            calls++
        }

        override fun close() {
            check(isOpen) { "closed twice" }
            isOpen = false
            open--
            failureOfClose?.invoke()
        }
    }

    companion object {
        fun refuse(sentence: String): () -> Nothing = { throw EngineException(sentence) }

        private fun buffer(tensor: TensorSpec) = ByteBuffer.allocateDirect(tensor.bytes).order(ByteOrder.nativeOrder())
    }
}

/** A camera that delivers what a test gives it, on the thread of the test. */
class FakeCamera(
    private val facings: Set<Facing> = setOf(Facing.BACK, Facing.FRONT),
) : FrameSource {
    var listener: FrameSource.Listener? = null
    var facing: Facing? = null
    var opened = 0

    /** Of its upright pictures. */
    var width = 320
    var height = 240

    override fun has(facing: Facing) = facing in facings

    override fun open(
        facing: Facing,
        preview: (width: Int, height: Int) -> Surface?,
        displayDegrees: Int,
        shorterSide: Int,
        listener: FrameSource.Listener,
    ) {
        this.facing = facing
        this.listener = listener
        opened++
        listener.onOpened(width, height)
    }

    override fun close() {
        listener = null
    }
}

/** A video of generated pictures, or of those that [picture] gives. */
class FakeVideos(
    private val pictures: Int = 40,
    private val problem: String? = null,
    private val picture: (Int) -> YuvPicture = ::texture,
) : VideoSource {
    /** Numbers of the pictures that were read. */
    val read = mutableListOf<Int>()

    override fun open(uri: Uri): Video =
        object : Video {
            override val name = "wave.mp4"
            override val count = pictures

            override fun read(
                wanted: IntArray,
                take: (Int, YuvPicture) -> Boolean,
            ) {
                problem?.let { throw IOException(it) }
                for (number in wanted) {
                    read += number
                    if (!take(number, picture(number))) return
                }
            }

            override fun close() = Unit
        }
}

/** A phone with a warm battery. */
class FakePhone(
    override val cores: Int = 4,
    override val isX86: Boolean = true,
) : Phone {
    override val name = "Example One"
    override val platform = "Android 14, API 34, example"

    override fun batteryCelsius() = 31.5f

    override fun isUnplugged() = true
}

/** A moving texture. */
fun texture(
    number: Int,
    width: Int = 320,
    height: Int = 240,
): YuvPicture {
    val bytes = ByteBuffer.allocateDirect(width * height * 3 / 2)
    for (place in 0 until width * height) {
        val x = place % width + 4 * number
        val y = place / width
        bytes.put(place, (128 + 60 * kotlin.math.sin(x / 17.0) + 40 * kotlin.math.cos(y / 13.0)).toInt().toByte())
    }
    for (place in width * height until bytes.capacity()) bytes.put(place, 128.toByte())
    return YuvPicture().apply { setI420(bytes, width, height) }
}
