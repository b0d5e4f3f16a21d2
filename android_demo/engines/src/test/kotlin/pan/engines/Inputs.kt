package pan.engines

import pan.core.VideoClip
import pan.core.bundle.Bundle
import pan.core.bundle.FolderFiles
import pan.core.bundle.ModelFile
import pan.core.engine.Engine
import pan.core.engine.RunningModel
import pan.core.frames.ColourMatrix
import pan.core.frames.Mp4Orientation
import pan.core.frames.Orientation
import pan.core.frames.YuvPicture
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.util.Properties
import kotlin.math.abs

/** What `tests/android_inputs.py` wrote: bundles, decoded videos, and what the Python package answers. */
internal object Inputs {
    private val folder =
        File(
            checkNotNull(System.getProperty("inputs")?.ifEmpty { null }) {
                "no inputs: run `make android-core`, or tests/android_inputs.py FOLDER and mvn -Dinputs=FOLDER"
            },
        )

    val bundles: Map<String, Bundle> =
        checkNotNull(File(folder, "bundles").listFiles()).associate { it.name to Bundle.open(FolderFiles(it)) }

    val models: List<Pair<Bundle, ModelFile>> get() = bundles.values.flatMap { bundle -> bundle.models.map { bundle to it } }

    /** The videos, each with one key per line of its file: see `write_planes`. */
    val videos: List<Video> =
        checkNotNull(File(folder, "videos").listFiles { file -> file.extension == "properties" })
            .sorted()
            .map { Video(it) }

    /** Answers to the videos by a model file: see `answers_file`. */
    fun predicted(
        bundle: Bundle,
        model: ModelFile,
    ): List<FloatArray> = rows(File(folder, "predicted/${bundle.title}/${model.file}.f32"), bundle.labels.size)

    /** Answers of `pan-keras predict` to the videos: whether each is unknown, and its probabilities. */
    fun answered(
        bundle: Bundle,
        model: ModelFile,
    ): List<Pair<Boolean, FloatArray>> =
        rows(File(folder, "answered/${bundle.title}/${model.file}.f32"), bundle.labels.size + 1).map { row ->
            (row[0] == 1f) to row.copyOfRange(1, row.size)
        }

    /** Numbers of the frames at which a camera that shows all videos has an answer, with the logits. */
    fun watched(bundle: Bundle): List<Pair<Int, FloatArray>> =
        rows(File(folder, "watched/${bundle.title}.f32"), bundle.labels.size + 1).map { row ->
            row[0].toInt() to row.copyOfRange(1, row.size)
        }

    const val CAMERA_RATE = 25.0

    private fun rows(
        file: File,
        length: Int,
    ): List<FloatArray> {
        val numbers: FloatBuffer = ByteBuffer.wrap(file.readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return List(numbers.capacity() / length) { FloatArray(length).also(numbers::get) }
    }
}

/** A video as a decoder gives it. */
internal class Video(
    private val file: File,
) {
    private val facts = Properties().apply { file.reader().use(::load) }
    private val planes = ByteBuffer.wrap(File(file.parentFile, "${file.nameWithoutExtension}.i420").readBytes())
    val frames = facts.getProperty("frames").toInt()

    /** How the Python package turns and mirrors it. */
    val orientation = Orientation(facts.getProperty("rotation").toInt(), facts.getProperty("mirrored").toBoolean())
    private val picture = YuvPicture().also(orientation::applyTo)

    /** What its file says itself; null where that is no MP4 file. */
    fun orientationOfFile(): Orientation? = File(file.parentFile, "${file.nameWithoutExtension}.video").inputStream().use(Mp4Orientation::read)

    fun frame(number: Int): YuvPicture {
        val width = facts.getProperty("width").toInt()
        val height = facts.getProperty("height").toInt()
        val size = planes.capacity() / frames
        planes.limit((number + 1) * size)
        planes.position(number * size)
        picture.setI420(planes.slice(), width, height)
        planes.clear()
        picture.matrix = ColourMatrix.valueOf(facts.getProperty("matrix"))
        picture.fullRange = facts.getProperty("full").toBoolean()
        return picture
    }

    fun clip(bundle: Bundle): VideoClip {
        val clip = VideoClip(bundle.input, frames)
        for (number in 0..clip.last) if (clip.wants(number)) clip.put(number, frame(number))
        return clip
    }
}

internal object Runtimes {
    private val loaded by lazy {
        val standins = checkNotNull(System.getProperty("standins"))
        for (name in listOf("libc", "libm", "libdl", "liblog")) System.load("$standins/$name.so")
        System.load(File(checkNotNull(System.getProperty("tflite.library"))).canonicalPath)
    }

    /** Loads the phone's library; once is enough. */
    fun load() = loaded

    fun engine(
        bundle: Bundle,
        model: ModelFile,
    ): Engine {
        load()
        val content = bundle.directContent(model)
        return if (model.format == "tflite") TfliteEngine(model, content, 1) else OnnxEngine(model, content, 1)
    }

    fun running(
        bundle: Bundle,
        model: ModelFile,
    ) = RunningModel(engine(bundle, model))
}

internal fun difference(
    one: FloatArray,
    other: FloatArray,
): Float = one.indices.maxOf { abs(one[it] - other[it]) }

internal fun largest(logits: FloatArray): Int = logits.indices.maxBy { logits[it] }
