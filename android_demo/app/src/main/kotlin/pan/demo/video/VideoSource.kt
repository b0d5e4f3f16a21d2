package pan.demo.video

import android.net.Uri
import pan.core.frames.YuvPicture
import java.io.IOException

/** Opens videos; a fake stands in for it in tests. */
fun interface VideoSource {
    /**
     * Opens a video.
     *
     * @throws IOException if it cannot be read, or holds no video
     */
    @Throws(IOException::class)
    fun open(uri: Uri): Video
}

/** A video whose pictures come as planes, without any conversion. */
interface Video : AutoCloseable {
    /** Name to show. */
    val name: String

    /** Pictures that a player shows. */
    val count: Int

    /**
     * Decodes from the start and gives the wanted pictures.
     *
     * @param wanted numbers of pictures, rising
     * @param take gets a number and its picture, which is another one after the call; false ends it
     * @throws IOException if a picture cannot be decoded
     */
    @Throws(IOException::class)
    fun read(
        wanted: IntArray,
        take: (Int, YuvPicture) -> Boolean,
    )
}
