package pan.demo.video

import android.media.MediaFormat
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.core.frames.Orientation
import java.io.ByteArrayInputStream
import java.nio.ByteBuffer

/** How a video is mirrored and turned: by its file, else by its track. */
@RunWith(RobolectricTestRunner::class)
class OrientationTest {
    private val turned =
        MediaFormat.createVideoFormat("video/avc", 64, 48).apply { setInteger(MediaFormat.KEY_ROTATION, 90) }
    private val upright = MediaFormat.createVideoFormat("video/avc", 64, 48)

    @Test
    fun whatAnMp4FileSaysCountsMoreThanItsTrack() {
        assertEquals(Orientation(0, mirrored = true), orientation(mirrored().inputStream(), turned))
    }

    @Test
    fun ofAnotherFileTheTrackSaysTheRotation() {
        assertEquals(Orientation(90), orientation(ByteArray(100).inputStream(), turned))
        assertEquals(Orientation(), orientation(ByteArray(100).inputStream(), upright))
        assertEquals(Orientation(90), orientation(null, turned))
    }

    @Test
    fun theFileIsClosed() {
        var closed = false
        val file =
            object : ByteArrayInputStream(mirrored()) {
                override fun close() {
                    closed = true
                }
            }
        orientation(file, upright)
        assertTrue(closed)
    }

    /** The headers of a file whose only track is mirrored left to right. */
    private fun mirrored(): ByteArray {
        val header = ByteBuffer.allocate(84)
        for ((number, entry) in listOf(-1 shl 16, 0, 0, 0, 1 shl 16).withIndex()) header.putInt(40 + 4 * number, entry)
        val handler = ByteBuffer.allocate(24).apply { position(8) }.put("vide".encodeToByteArray())
        return box("moov", box("trak", box("tkhd", header.array()) + box("mdia", box("hdlr", handler.array()))))
    }

    private fun box(
        type: String,
        content: ByteArray,
    ): ByteArray =
        ByteBuffer
            .allocate(8 + content.size)
            .putInt(8 + content.size)
            .put(type.encodeToByteArray())
            .put(content)
            .array()
}
