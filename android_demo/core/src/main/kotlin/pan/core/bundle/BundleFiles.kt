package pan.core.bundle

import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * Access to the files of a bundle: in a folder, or in the assets of an app.
 *
 * ```
 * val inside = object : BundleFiles {
 *     override val title = "demo"
 *     override fun open(name: String) = assets.open("bundles/demo/$name")
 * }
 * ```
 */
interface BundleFiles {
    /** Name of the bundle in error messages. */
    val title: String

    /**
     * Opens a file.
     *
     * @param name Its name in the bundle, such as `vectors/index.json`.
     * @throws IOException If there is none.
     */
    @Throws(IOException::class)
    fun open(name: String): InputStream
}

/**
 * A bundle in a folder.
 *
 * @param folder The one that holds `model.json`.
 */
class FolderFiles(
    val folder: File,
) : BundleFiles {
    override val title: String get() = folder.name

    override fun open(name: String): InputStream = File(folder, name).inputStream()
}
