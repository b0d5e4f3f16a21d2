package pan.demo

import android.content.res.Resources

/** The five screens, in the order of their tabs. */
enum class Screen { LIVE, VIDEO, MODELS, CHECK, BENCHMARK }

/** What computes: the processor with or without XNNPACK, or a delegate where the phone has one. */
enum class Acceleration { CPU, CPU_PLAIN, NNAPI, GPU }

/** Front or back camera. */
enum class Facing { BACK, FRONT }

/**
 * A sentence for the user.
 *
 * @property text A string resource.
 * @property arguments What it is about.
 */
data class Notice(
    val text: Int,
    val arguments: List<Any> = emptyList(),
) {
    constructor(text: Int, vararg arguments: Any) : this(text, arguments.toList())

    @Suppress("SpreadOperator") // Texts are few and short.
    fun said(resources: Resources): String = resources.getString(text, *arguments.toTypedArray())
}

/** A name with its probability or weight, 0 to 1. */
data class Score(
    val label: String,
    val share: Float,
)

/** A model file in the list of a bundle. */
data class FileItem(
    val file: String,
    val format: String,
    val precision: String,
    val streaming: Boolean,
    val bytes: Long?,
)

/**
 * A bundle in the list.
 *
 * @property problem Why it cannot be used; null if it can.
 */
data class BundleItem(
    val id: String,
    val name: String,
    val imported: Boolean,
    val classes: Int = 0,
    val files: List<FileItem> = emptyList(),
    val problem: String? = null,
)

/** What the user chose; it survives the end of the process. */
data class Choice(
    val bundle: String? = null,
    val file: String? = null,
    val threads: Int = 2,
    val acceleration: Acceleration = Acceleration.CPU,
)

/** The model that the other screens use. */
sealed interface ModelState {
    data object None : ModelState

    data object Loading : ModelState

    /**
     * A model whose vectors passed on this phone.
     *
     * @property acceleration What is in use, which is the processor if another failed.
     * @property refused Why the chosen acceleration is not used; null if it is.
     * @property difference Largest difference of a logit from the vectors.
     * @property limit How much it may be.
     * @property motion Whether it gives the motion map.
     */
    data class Ready(
        val name: String,
        val file: String,
        val acceleration: Acceleration,
        val refused: Notice?,
        val difference: Float,
        val limit: Float,
        val motion: Boolean,
    ) : ModelState

    data class Failed(
        val reason: Notice,
    ) : ModelState
}

/** State of the camera. */
sealed interface CameraState {
    data object Off : CameraState

    data object Opening : CameraState

    /** @property refused Whether the user said no, so that only the settings can change it. */
    data class NoPermission(
        val refused: Boolean = false,
    ) : CameraState

    data class Running(
        val facing: Facing,
    ) : CameraState

    data class Failed(
        val reason: Notice,
    ) : CameraState
}

/** A part of a picture, in shares of its width and height. */
data class Region(
    val left: Float,
    val top: Float,
    val right: Float,
    val bottom: Float,
)

/**
 * How the preview lies in its view.
 *
 * @property width Width of the upright picture, in pixels of the camera.
 * @property height Height of the upright picture, in pixels of the camera.
 * @property displayRotation Quarters of a turn of the display.
 * @property seen What the model sees.
 */
data class PreviewGeometry(
    val width: Int,
    val height: Int,
    val displayRotation: Int,
    val mirrored: Boolean,
    val seen: Region,
)

/** Milliseconds of a step: preparing frames, running the model, reading its outputs. */
data class StepTimes(
    val preprocess: Float = 0f,
    val run: Float = 0f,
    val readBack: Float = 0f,
)

/**
 * The newest answer of live recognition.
 *
 * @property scores The most probable classes.
 * @property unknownUpTo The threshold that no probability is above; null if there is an answer.
 * @property cameraRate Pictures per second.
 * @property modelRate Answers per second.
 * @property tooSlow Whether frames were left out lately because the model did not keep up.
 */
data class LiveAnswer(
    val scores: List<Score>,
    val unknownUpTo: Float?,
    val cameraRate: Float,
    val modelRate: Float,
    val times: StepTimes,
    val tooSlow: Boolean,
)

/** State of the live screen. */
data class LiveState(
    val camera: CameraState = CameraState.Off,
    val facing: Facing = Facing.BACK,
    val geometry: PreviewGeometry? = null,
    val answer: LiveAnswer? = null,
    val showMotion: Boolean = false,
)

/**
 * State of the video screen.
 *
 * @property progress Share of the pictures that are read; null while none is read.
 * @property scores The most probable classes.
 * @property timescales How much each timescale counts; empty if the bundle does not say it.
 * @property unknownUpTo The threshold that no probability is above; null if there is an answer.
 * @property frames Number of frames of the whole video.
 * @property milliseconds Duration of the model's calls.
 */
data class VideoState(
    val name: String? = null,
    val progress: Float? = null,
    val scores: List<Score> = emptyList(),
    val timescales: List<Score> = emptyList(),
    val unknownUpTo: Float? = null,
    val frames: Int = 0,
    val milliseconds: Float = 0f,
    val error: Notice? = null,
)

/** Result of the test vectors for one model file. */
data class CheckRow(
    val file: String,
    val difference: Float?,
    val limit: Float?,
    val problem: Notice?,
) {
    /** Whether the runtime of the file is not in this build, so that there is nothing to judge. */
    val isSkipped: Boolean get() = problem?.text == R.string.not_in_build

    val passed: Boolean get() = problem == null && difference != null && limit != null && difference <= limit
}

/** State of the check screen. */
data class CheckState(
    val running: Boolean = false,
    val done: Int = 0,
    val total: Int = 0,
    val rows: List<CheckRow> = emptyList(),
    val error: Notice? = null,
)

/** One measured line of the benchmark. */
data class BenchmarkRow(
    val file: String,
    val threads: Int,
    val median: Float?,
    val slow: Float?,
    val detail: Notice?,
)

/** State of the benchmark screen. */
data class BenchmarkState(
    val running: Boolean = false,
    val progress: Float = 0f,
    val step: Notice? = null,
    val rows: List<BenchmarkRow> = emptyList(),
    val sustained: Boolean = true,
    val conditions: Notice? = null,
    val report: String? = null,
    val error: Notice? = null,
)

/** Everything that the screens show, immutable. */
data class UiState(
    val screen: Screen = Screen.LIVE,
    val bundles: List<BundleItem> = emptyList(),
    val choice: Choice = Choice(),
    val model: ModelState = ModelState.None,
    val accelerations: List<Acceleration> = listOf(Acceleration.CPU, Acceleration.CPU_PLAIN),
    val formats: Set<String> = emptySet(),
    val cores: Int = 1,
    val importing: Boolean = false,
    val importError: Notice? = null,
    val live: LiveState = LiveState(),
    val video: VideoState = VideoState(),
    val check: CheckState = CheckState(),
    val benchmark: BenchmarkState = BenchmarkState(),
) {
    /** The chosen bundle, if it is there. */
    val bundle: BundleItem? get() = bundles.find { it.id == choice.bundle }
}
