package pan.demo

import org.json.JSONObject
import org.robolectric.RuntimeEnvironment
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A zip file of a bundle in the APK, each file of it as [change] makes it. */
fun AppRule.zip(
    name: String,
    change: (String, ByteArray) -> ByteArray = { _, bytes -> bytes },
): ByteArray {
    val assets = RuntimeEnvironment.getApplication().assets
    val files = bundle(name).fileNames + "model.json"
    return zipOf(*files.map { it to change(it, assets.open("bundles/$name/$it").use(InputStream::readBytes)) }.toTypedArray())
}

/** The same with a temperature and a threshold, in place of those of the bundle. */
fun AppRule.zipOfCalibrated(
    name: String,
    temperature: Double,
    threshold: Double?,
): ByteArray =
    zip(name) { file, bytes ->
        if (file == "model.json") {
            val facts = JSONObject(bytes.decodeToString())
            val confidence = JSONObject().put("temperature", temperature)
            facts.put("confidence", confidence.put("threshold", threshold ?: JSONObject.NULL))
            facts.toString().encodeToByteArray()
        } else {
            bytes
        }
    }

fun zipOf(vararg files: Pair<String, ByteArray>): ByteArray {
    val bytes = ByteArrayOutputStream()
    ZipOutputStream(bytes).use { zip ->
        for ((name, content) in files) {
            zip.putNextEntry(ZipEntry(name))
            zip.write(content)
            zip.closeEntry()
        }
    }
    return bytes.toByteArray()
}
