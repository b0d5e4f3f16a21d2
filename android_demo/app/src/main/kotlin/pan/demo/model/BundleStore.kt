package pan.demo.model

import android.content.res.AssetManager
import pan.core.bundle.Bundle
import pan.core.bundle.BundleArchive
import pan.core.bundle.BundleException
import pan.core.bundle.BundleFiles
import pan.core.bundle.FolderFiles
import pan.demo.BundleItem
import pan.demo.FileItem
import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * The bundles inside the APK, in `assets/bundles`, and those that were imported.
 *
 * @param folder The folder of imported bundles.
 */
class BundleStore(
    private val assets: AssetManager,
    private val folder: File,
) {
    /** Lists all bundles, those of the APK first; a bundle that cannot be used has a [BundleItem.problem]. */
    fun items(): List<BundleItem> {
        val imported = folder.list { parent, name -> isWhole(File(parent, name)) }.orEmpty().sorted()
        return inside(assets).map { item(INSIDE + it) } + imported.map { item(IMPORTED + it) }
    }

    /**
     * Opens a bundle.
     *
     * @throws BundleException If it is gone or cannot be read.
     */
    fun open(id: String): Bundle {
        val name = id.substring(1)
        return Bundle.open(if (id.startsWith(INSIDE)) AssetFiles(assets, name) else FolderFiles(File(folder, name)))
    }

    /**
     * Unpacks a zip file of a bundle, checks it whole and keeps it.
     *
     * @param name The name of the zip file.
     * @return The id of the bundle.
     * @throws BundleException If it is no whole bundle; nothing is kept then.
     */
    fun import(
        archive: InputStream,
        name: String,
    ): String {
        folder.mkdirs()
        val safe = name.removeSuffix(".zip").map { if (it.isLetterOrDigit() || it in "-_ ") it else '_' }
        val wanted = safe.joinToString("").take(LONGEST).ifBlank { "bundle" }
        var free = wanted
        var number = 1
        while (File(folder, free).exists()) free = "$wanted ${++number}"
        BundleArchive().unpack(archive, File(folder, free))
        return IMPORTED + free
    }

    /** Removes an imported bundle. */
    fun remove(id: String) {
        if (id.startsWith(IMPORTED)) File(folder, id.substring(1)).deleteRecursively()
    }

    private fun item(id: String): BundleItem {
        val imported = id.startsWith(IMPORTED)
        return try {
            val bundle = open(id)
            val files = bundle.models.map { FileItem(it.file, it.format, it.precision, it.streaming, it.bytes) }
            BundleItem(id, bundle.name, imported, bundle.labels.size, files)
        } catch (error: BundleException) {
            BundleItem(id, id.substring(1), imported, problem = error.message)
        }
    }

    /** What was being unpacked when the process ended is no bundle. */
    private fun isWhole(entry: File) = entry.isDirectory && !entry.name.endsWith(PARTIAL)

    private class AssetFiles(
        private val assets: AssetManager,
        private val name: String,
    ) : BundleFiles {
        override val title: String get() = name

        @Throws(IOException::class)
        override fun open(name: String): InputStream = assets.open("$ASSETS/${this.name}/$name")
    }

    companion object {
        private const val ASSETS = "bundles"

        /** Names of the bundles in the APK. Some implementations of assets list the files of folders too. */
        fun inside(assets: AssetManager): List<String> {
            val names = assets.list(ASSETS).orEmpty()
            return names.map { it.substringBefore('/') }.distinct().sorted()
        }

        private const val INSIDE = "/"
        private const val IMPORTED = "+"
        private const val PARTIAL = ".partial"
        private const val LONGEST = 60
    }
}
