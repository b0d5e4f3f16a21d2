package pan.demo.video

import android.net.Uri
import pan.core.frames.YuvPicture
import java.io.IOException

/** Opens videos; tests use a fake. */
fun interface VideoSource {
    /**
     * Opens a video.
     *
     * @throws IOException If it cannot be read, or holds no video.
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
     * @param wanted Numbers of pictures, rising.
     * @param take Receives the number of a picture and the picture, which is reused after the call; returning false
     *   ends reading.
     * @throws IOException If a picture cannot be decoded.
     */
    @Throws(IOException::class)
    fun read(
        wanted: IntArray,
        take: (Int, YuvPicture) -> Boolean,
    )
}
