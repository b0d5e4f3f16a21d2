package pan.core.bundle

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.Locale
import java.util.zip.ZipEntry
import java.util.zip.ZipInputStream

/**
 * Imports a bundle from a zip file, which may come from anyone.
 *
 * Refused are names that lead out of the folder, names that occur twice, too many files, and more
 * bytes than allowed, counted as they are unpacked. The bundle is checked whole before it appears;
 * what it does not name is left out.
 *
 * @param largest Bytes that all files together may have when they are unpacked.
 * @param most Files that there may be.
 */
class BundleArchive(
    private val largest: Long = 512L shl 20,
    private val most: Int = 1000,
) {
    /**
     * Unpacks and checks a bundle.
     *
     * The files may stand in one folder of the archive, as file managers make it.
     *
     * @param archive The zip file.
     * @param folder The folder to be made; it must not exist.
     * @return The bundle in [folder].
     * @throws BundleException If it is no bundle or not whole; [folder] does not exist then.
     */
    fun unpack(
        archive: InputStream,
        folder: File,
    ): Bundle {
        if (folder.exists()) throw BundleException("${folder.name}: is there already; remove it first")
        val partial = File(folder.parentFile, "${folder.name}.partial")
        partial.deleteRecursively()
        try {
            extract(archive, partial, folder.name)
            val root = root(partial)
            val bundle = Bundle.open(named(root, folder.name))
            bundle.checkFiles()
            Vectors.read(bundle)
            leaveOut(root, bundle)
            if (!root.renameTo(folder)) throw IOException("it cannot be moved to its place")
        } catch (error: IOException) {
            throw BundleException("${folder.name}: cannot be unpacked (${error.message}); copy the file again", error)
        } catch (error: IllegalArgumentException) {
            // Names that are no UTF-8, in ZipInputStream.
            throw BundleException("${folder.name}: no zip file of a bundle; copy the file again", error)
        } finally {
            partial.deleteRecursively()
        }
        return Bundle.open(FolderFiles(folder))
    }

    private fun extract(
        archive: InputStream,
        folder: File,
        title: String,
    ) {
        val names = HashSet<String>()
        var left = largest
        ZipInputStream(archive.buffered()).use { zip ->
            while (true) {
                val entry = zip.nextEntry ?: break
                val name = checkedName(entry, title, names)
                if (!entry.isDirectory) left -= write(zip, File(folder, name), left, title)
            }
        }
        if (names.isEmpty()) {
            throw BundleException(
                "$title: no zip file, or an empty one; zip a folder that pan-keras export wrote",
            )
        }
    }

    /** Writes a file and tells how many bytes it has. */
    private fun write(
        zip: ZipInputStream,
        file: File,
        limit: Long,
        title: String,
    ): Long {
        val chunk = ByteArray(CHUNK)
        var bytes = 0L
        file.parentFile?.mkdirs()
        file.outputStream().use { output ->
            while (true) {
                val count = zip.read(chunk)
                if (count < 0) return bytes
                bytes += count
                if (bytes > limit) {
                    throw BundleException("$title: more than $largest bytes when unpacked; do not use it")
                }
                output.write(chunk, 0, count)
            }
        }
    }

    private fun checkedName(
        entry: ZipEntry,
        title: String,
        names: MutableSet<String>,
    ): String {
        val name = entry.name.removeSuffix("/")
        if (!Bundle.isInside(name) || name.length > LONGEST_NAME) {
            throw BundleException(
                "$title: holds a file that leads out of its folder (${name.take(SHOWN)}); do not use it",
            )
        }
        if (!names.add(name.lowercase(Locale.ROOT))) {
            throw BundleException("$title: holds $name twice; zip the bundle again")
        }
        if (names.size > most) throw BundleException("$title: holds more than $most files; zip the bundle alone")
        return name
    }

    /** The folder with `model.json`: the top, or the only one there. */
    private fun root(folder: File): File {
        if (File(folder, Bundle.FACTS).isFile) return folder
        val only = folder.listFiles()?.filter { File(it, Bundle.FACTS).isFile }.orEmpty()
        return only.singleOrNull() ?: folder
    }

    private fun named(
        root: File,
        title: String,
    ): BundleFiles {
        val files = FolderFiles(root)
        return object : BundleFiles by files {
            override val title = title
        }
    }

    private fun leaveOut(
        root: File,
        bundle: Bundle,
    ) {
        val kept = bundle.fileNames + Bundle.FACTS
        root
            .walkBottomUp()
            .filter { it.isFile && it.relativeTo(root).invariantSeparatorsPath !in kept }
            .forEach { it.delete() }
    }

    private companion object {
        const val CHUNK = 1 shl 16
        const val LONGEST_NAME = 200
        const val SHOWN = 60
    }
}
