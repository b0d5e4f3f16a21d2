package pan.core.bundle

import pan.core.answer.Confidence
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.Locale

/**
 * A bundle of `pan-keras export`: model files, and the facts that an app needs to use them.
 *
 * A bundle may come from anyone. [open] checks the facts; each file is checked against its checksum
 * when it is read.
 *
 * ```
 * val bundle = Bundle.open(FolderFiles(File("runs/demo/bundle")))
 * bundle.labels                    // [left, right, up]
 * bundle.models.map { it.file }    // [model_float32.tflite, step_float32.tflite]
 * ```
 *
 * @property name What it is, for people.
 * @property labels Class names in the order of the logits.
 * @property input The clips that the models take.
 * @property sampling Which frames of a video they are made of.
 * @property models The model files.
 * @property confidence Temperature of the softmax and threshold of "unknown"; 1 and none where the bundle does not say.
 * @property licence Licences of the code and the data and how to cite the data, by key; show them.
 * @property created Date and time of the export.
 */
class Bundle private constructor(
    private val files: BundleFiles,
    private val checksums: Map<String, String>,
    val name: String,
    val labels: List<String>,
    val input: InputSpec,
    val sampling: SamplingSpec,
    val models: List<ModelFile>,
    val confidence: Confidence,
    val licence: Map<String, String>,
    val created: String,
) {
    /** Names of all files but `model.json`. */
    val fileNames: Set<String> get() = checksums.keys

    /** Name of the bundle in error messages. */
    val title: String get() = files.title

    /** The model card, in Markdown; null where there is none. */
    fun card(): String? = if (CARD in checksums) content(CARD, LARGEST_TEXT).toString(Charsets.UTF_8) else null

    /** The picture of a clip of each class, a PNG file; null where there is none. */
    fun preview(): ByteArray? = if (PREVIEW in checksums) content(PREVIEW, LARGEST_TEXT) else null

    /**
     * Reads a small file.
     *
     * @param name Its name in the bundle.
     * @param limit Bytes that it may have.
     * @throws BundleException If it is missing, too large, or has changed since it was exported.
     */
    fun content(
        name: String,
        limit: Int,
    ): ByteArray {
        val found = ByteArrayOutputStream()
        readChecked(name) { chunk, count ->
            if (found.size() + count > limit) throw BundleException("$title/$name: too large; export the bundle again")
            found.write(chunk, 0, count)
        }
        return found.toByteArray()
    }

    /**
     * Reads a file into a buffer outside of the heap, in the byte order of the machine.
     *
     * @param name Its name in the bundle.
     * @param size Its size in bytes.
     * @throws BundleException If it is missing, of another size, or has changed since it was
     *   exported, or the memory does not suffice.
     */
    fun directContent(
        name: String,
        size: Long,
    ): ByteBuffer {
        val buffer = allocate(name, size)
        readChecked(name) { chunk, count ->
            if (count > buffer.remaining()) throw sizeDiffers(name, size)
            buffer.put(chunk, 0, count)
        }
        if (buffer.hasRemaining()) throw sizeDiffers(name, size)
        buffer.clear()
        return buffer
    }

    /**
     * Reads a model file into a buffer outside of the heap.
     *
     * @throws BundleException As [directContent].
     */
    fun directContent(model: ModelFile): ByteBuffer = directContent(model.file, model.bytes ?: sizeOf(model.file))

    /**
     * Reads every file once and checks its checksum.
     *
     * @throws BundleException If one is missing or has changed.
     */
    fun checkFiles() = checksums.keys.forEach { name -> readChecked(name) { _, _ -> } }

    private fun sizeOf(name: String): Long {
        var size = 0L
        readChecked(name) { _, count -> size += count }
        return size
    }

    private fun allocate(
        name: String,
        size: Long,
    ): ByteBuffer {
        if (size > LARGEST_FILE) {
            throw BundleException("$title/$name: $size bytes, too large for a phone; export a smaller model")
        }
        try {
            return ByteBuffer.allocateDirect(size.toInt()).order(ByteOrder.nativeOrder())
        } catch (error: OutOfMemoryError) {
            throw BundleException("$title/$name: does not fit into this phone's memory; export a smaller model", error)
        }
    }

    private fun sizeDiffers(
        name: String,
        size: Long,
    ) = BundleException("$title/$name: has not the $size bytes that it was exported with; copy the bundle again")

    private fun readChecked(
        name: String,
        take: (ByteArray, Int) -> Unit,
    ) {
        val checksum =
            checksums[name]
                ?: throw BundleException("$title/$FACTS: names no checksum of $name; export the bundle again")
        val digest = MessageDigest.getInstance("SHA-256")
        try {
            files.open(name).use { stream ->
                stream.forEachChunk { chunk, count ->
                    digest.update(chunk, 0, count)
                    take(chunk, count)
                }
            }
        } catch (error: IOException) {
            throw unreadable(title, name, error)
        }
        if (digest.digest().joinToString("") { String.format(Locale.ROOT, "%02x", it) } != checksum) {
            throw BundleException(
                "$title/$name: changed since it was exported (its checksum is another); copy the bundle again",
            )
        }
    }

    companion object {
        /** Name of the file with the facts. */
        const val FACTS = "model.json"

        /** Newest schema version that is read; 1 is the oldest. */
        const val SCHEMA_VERSION = 3

        private const val CARD = "MODEL_CARD.md"
        private const val PREVIEW = "preview.png"
        private const val CHUNK = 1 shl 16
        private const val LARGEST_TEXT = 16 shl 20
        private const val LARGEST_FILE = 1L shl 30
        private const val MOST_LABELS = 100_000

        /**
         * Reads the facts of a bundle.
         *
         * @throws BundleException If it is no bundle, of a later schema version, or lacks a fact.
         */
        fun open(files: BundleFiles): Bundle {
            val facts = Facts.read(readFacts(files), "${files.title}/$FACTS")
            val version = facts.whole("schema_version")
            if (version !in 1..SCHEMA_VERSION) {
                facts.wrong(
                    "schema_version",
                    "is $version, but this app reads 1 to $SCHEMA_VERSION; install a newer app, or",
                )
            }
            val labels = facts.texts("labels")
            if (labels.size !in 1..MOST_LABELS) facts.wrong("labels", "are ${labels.size}")
            labels
                .find { label ->
                    label.any(Char::isISOControl)
                }?.let { facts.wrong("labels", "hold a control character") }
            val input = InputSpec.read(withDefaults(facts.part("input"), version))
            val models = facts.records("artefacts").map { ModelFile.read(it, input, labels.size) }
            if (models.isEmpty()) facts.wrong("artefacts", "name no model")
            val others = facts.part("files")
            val checksums = models.associate { it.file to it.sha256 } + others.names().associateWith(others::text)
            checksums.keys.filterNot(::isInside).forEach { name ->
                throw BundleException(
                    "${files.title}/$FACTS: names a file outside of the bundle ($name); do not use it",
                )
            }
            val licence = facts.partOrNull("licence")
            return Bundle(
                files = files,
                checksums = checksums,
                name = facts.textOrNull("name") ?: files.title,
                labels = labels,
                input = input,
                sampling = SamplingSpec.read(facts.part("sampling"), version, input),
                models = models,
                confidence = confidence(facts),
                licence = licence?.names().orEmpty().associateWith { licence?.textOrNull(it).orEmpty() },
                created = facts.textOrNull("created").orEmpty(),
            )
        }

        private fun confidence(facts: Facts): Confidence {
            val fitted = facts.partOrNull("confidence") ?: return Confidence()
            val threshold = if (fitted.has("threshold")) fitted.number("threshold") else null
            return try {
                Confidence(fitted.number("temperature"), threshold)
            } catch (error: IllegalArgumentException) {
                facts.wrong("confidence", "holds ${error.message}")
            }
        }

        /** Whether a name of a file leads to a place in the folder of the bundle. */
        internal fun isInside(name: String): Boolean =
            name.isNotEmpty() &&
                name.none { it == '\\' || it.isISOControl() } &&
                name.split('/').none { it.isEmpty() || it == "." || it == ".." }

        private fun withDefaults(
            input: Facts,
            version: Int,
        ): Facts = if (version == 1) input.with(mapOf("fit" to "crop", "resizing" to 1L)) else input

        private fun readFacts(files: BundleFiles): ByteArray {
            val found = ByteArrayOutputStream()
            try {
                files.open(FACTS).use { stream ->
                    stream.forEachChunk { chunk, count ->
                        if (found.size() + count > LARGEST_TEXT) {
                            throw BundleException("${files.title}/$FACTS: too large; export the bundle again")
                        }
                        found.write(chunk, 0, count)
                    }
                }
            } catch (error: FileNotFoundException) {
                throw BundleException(
                    "${files.title}: no bundle (it has no $FACTS); take a folder that pan-keras export wrote",
                    error,
                )
            } catch (error: IOException) {
                throw unreadable(files.title, FACTS, error)
            }
            return found.toByteArray()
        }

        private fun unreadable(
            title: String,
            name: String,
            error: IOException,
        ) = BundleException("$title/$name: cannot be read (${error.message}); copy the bundle again", error)

        private inline fun InputStream.forEachChunk(take: (ByteArray, Int) -> Unit) {
            val chunk = ByteArray(CHUNK)
            while (true) {
                val count = read(chunk)
                if (count < 0) return
                take(chunk, count)
            }
        }
    }
}
