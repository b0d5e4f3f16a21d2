package pan.core.bundle

import pan.core.sha256
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A bundle in memory: two labels, clips of 2 segments of 1 frame of 2 x 3 pixels. */
internal class MemoryFiles(
    val contents: MutableMap<String, ByteArray>,
) : BundleFiles {
    override val title = "memory"

    override fun open(name: String): InputStream = contents[name]?.inputStream() ?: throw FileNotFoundException("there is no $name")

    fun change(change: (String) -> String) {
        contents["model.json"] = change(contents.getValue("model.json").decodeToString()).encodeToByteArray()
    }

    fun zip(prefix: String = ""): ByteArray = zip(contents.mapKeys { "$prefix${it.key}" }.toList())

    companion object {
        fun zip(entries: List<Pair<String, ByteArray>>): ByteArray {
            val found = ByteArrayOutputStream()
            ZipOutputStream(found).use { zip ->
                for ((name, content) in entries) {
                    zip.putNextEntry(ZipEntry(name))
                    zip.write(content)
                    zip.closeEntry()
                }
            }
            return found.toByteArray()
        }
    }
}

internal const val CLIP_BYTES = 2 * 2 * 3 * 3

internal fun floats(vararg numbers: Float): ByteArray {
    val bytes = ByteBuffer.allocate(4 * numbers.size).order(ByteOrder.LITTLE_ENDIAN)
    numbers.forEach { bytes.putFloat(it) }
    return bytes.array()
}

internal fun memoryBundle(clipLogits: ByteArray = floats(1f, 2f)): MemoryFiles {
    val index =
        """{"byte_order": "little",
            "clips": [{"file": "vectors/clip_0.u8", "dtype": "uint8", "shape": [2, 2, 3, 3]}],
            "logits": [
              {"model": "model_float32.tflite", "file": "vectors/clip.f32", "dtype": "float32",
               "shape": [1, 2], "max_difference": 0.0001},
              {"model": "step_float32.onnx", "file": "vectors/step.f32", "dtype": "float32",
               "shape": [1, 2, 2], "max_difference": 0.5}]}"""
    val contents =
        mutableMapOf(
            "model_float32.tflite" to ByteArray(100) { 1 },
            "step_float32.onnx" to ByteArray(70) { 2 },
            "vectors/index.json" to index.encodeToByteArray(),
            "vectors/clip_0.u8" to ByteArray(CLIP_BYTES) { it.toByte() },
            "vectors/clip.f32" to clipLogits,
            "vectors/step.f32" to floats(1f, 0f, 3f, 4f),
            "MODEL_CARD.md" to "# A card".encodeToByteArray(),
        )
    val sums = contents.mapValues { sha256(it.value) }
    val others = sums.filterKeys { "float32." !in it || it.startsWith("vectors/") }
    val facts =
        """{"schema_version": 3, "name": "memory", "labels": ["left", "right"],
            "input": {"segments": 2, "stack": 1, "height": 2, "width": 3, "resize": 4, "fit": "crop",
              "resizing": 2, "crop": "centre", "channels": "RGB", "dtype": "uint8", "layout": "FHWC",
              "normalisation": "inside the model"},
            "sampling": {"method": "middle-of-segments", "frame_rate": 25.0,
              "live": {"stride": 4.5, "window_frames": 9.0, "window_seconds": 0.36, "early": 0.25, "late": 0.875}},
            "artefacts": [
              {"file": "model_float32.tflite", "format": "tflite", "precision": "float32", "streaming": false,
               "bytes": 100, "sha256": "${sums["model_float32.tflite"]}",
               "signature": {"name": "serve",
                 "inputs": [{"name": "frames", "shape": [2, 2, 3, 3], "dtype": "uint8"}],
                 "outputs": [{"name": "logits", "shape": [1, 2], "dtype": "float32"}]},
               "states": []},
              {"file": "step_float32.onnx", "format": "onnx", "precision": "float32", "streaming": true,
               "bytes": 70, "sha256": "${sums["step_float32.onnx"]}",
               "signature": {"name": "serve",
                 "inputs": [{"name": "frames", "shape": [1, 2, 3, 3], "dtype": "uint8"},
                            {"name": "state_0", "shape": [2, 3], "dtype": "float32"}],
                 "outputs": [{"name": "logits", "shape": [1, 2], "dtype": "float32"},
                             {"name": "next_state_0", "shape": [2, 3], "dtype": "float32"}]},
               "states": [{"name": "state_0", "output": "next_state_0", "shape": [2, 3], "dtype": "float32"}]}],
            "vectors": "vectors/index.json", "created": "today",
            "licence": {"code": "BSD-2-Clause", "data": "CC0", "citation": ""},
            "files": {${others.entries.joinToString { "\"${it.key}\": \"${it.value}\"" }}}}"""
    contents["model.json"] = facts.encodeToByteArray()
    return MemoryFiles(contents)
}
