package pan.demo.video

import android.content.Context
import android.media.Image
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaExtractor
import android.media.MediaFormat
import android.net.Uri
import android.provider.OpenableColumns
import pan.core.frames.ColourMatrix
import pan.core.frames.ColourTags
import pan.core.frames.Mp4Orientation
import pan.core.frames.Orientation
import pan.core.frames.YuvPicture
import pan.demo.camera.set
import java.io.IOException
import java.io.InputStream

/** Videos by MediaCodec: planes as the decoder gives them. */
class PhoneVideos(
    private val context: Context,
) : VideoSource {
    override fun open(uri: Uri): Video = DecodedVideo(context, uri, name(uri))

    private fun name(uri: Uri): String =
        context.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use {
            if (it.moveToFirst()) it.getString(0) else null
        } ?: uri.lastPathSegment.orEmpty()
}

/**
 * A video of the phone.
 *
 * `MediaMetadataRetriever` and `Bitmap` would convert colours by themselves, in a way that training
 * did not see.
 */
private class DecodedVideo(
    context: Context,
    uri: Uri,
    override val name: String,
) : Video {
    private val extractor = MediaExtractor()
    private val format: MediaFormat
    private val container: ColourTags
    private val orientation: Orientation
    private val kind: String
    override val count: Int

    init {
        try {
            extractor.setDataSource(context, uri, null)
            val track =
                (0 until extractor.trackCount).find { mime(extractor.getTrackFormat(it)).startsWith("video/") }
                    ?: throw IOException("it holds no video")
            extractor.selectTrack(track)
            format = extractor.getTrackFormat(track)
            container = colourTags(format)
            kind = mime(format)
            orientation = orientation(context.contentResolver.openInputStream(uri), format)
            count = countPictures()
        } catch (error: IOException) {
            extractor.release()
            throw error
        }
    }

    override fun close() = extractor.release()

    override fun read(
        wanted: IntArray,
        take: (Int, YuvPicture) -> Boolean,
    ) {
        extractor.seekTo(0, MediaExtractor.SEEK_TO_CLOSEST_SYNC)
        format.setInteger(MediaFormat.KEY_COLOR_FORMAT, MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible)
        val codec = MediaCodec.createDecoderByType(kind)
        try {
            codec.configure(format, null, null, 0)
            codec.start()
            Decoding(codec, wanted, take).run()
            codec.stop()
        } catch (error: IllegalStateException) {
            throw IOException("the decoder of $kind stopped (${error.message})", error)
        } catch (error: IllegalArgumentException) {
            throw IOException("the decoder of $kind does not take it", error)
        } finally {
            codec.release()
        }
    }

    private inner class Decoding(
        private val codec: MediaCodec,
        private val wanted: IntArray,
        private val take: (Int, YuvPicture) -> Boolean,
    ) {
        private val picture =
            YuvPicture(chromaAtLeft = kind in CHROMA_AT_LEFT).also(container::applyTo).also(orientation::applyTo)
        private val info = MediaCodec.BufferInfo()
        private var fed = false
        private var number = 0
        private var next = 0
        private var idle = 0

        fun run() {
            while (next < wanted.size) {
                if (!fed) feed()
                if (!drain()) return
            }
        }

        private fun feed() {
            val place = codec.dequeueInputBuffer(WAIT_US)
            if (place < 0) return
            val buffer = requireNotNull(codec.getInputBuffer(place))
            val size = extractor.readSampleData(buffer, 0)
            if (size < 0) {
                codec.queueInputBuffer(place, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM)
                fed = true
            } else {
                codec.queueInputBuffer(place, 0, size, extractor.sampleTime, 0)
                extractor.advance()
            }
        }

        /** @return Whether there may be more pictures that are wanted. */
        private fun drain(): Boolean {
            val place = codec.dequeueOutputBuffer(info, WAIT_US)
            if (place == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) {
                // The decoder fills it from the bitstream.
                colourTags(codec.outputFormat).orElse(container).applyTo(picture)
                return true
            }
            if (place < 0) {
                if (++idle > MOST_IDLE) throw IOException("the decoder gives nothing")
                return true
            }
            idle = 0
            try {
                return used(place)
            } finally {
                codec.releaseOutputBuffer(place, false)
            }
        }

        private fun used(place: Int): Boolean {
            val isPicture = info.size > 0 && info.presentationTimeUs >= 0
            if (isPicture && number++ == wanted[next]) {
                val image = codec.getOutputImage(place) ?: throw IOException("the decoder gives no planes")
                val goesOn = image.use { given(it) }
                next++
                if (!goesOn) return false
            }
            return info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM == 0
        }

        private fun given(image: Image): Boolean {
            // The planes are turned by the app; a decoder with a surface would turn them itself.
            picture.set(image, orientation.rotation)
            return take(number - 1, picture)
        }
    }

    /** Counts without decoding. Times below 0 are before the start of what a player shows. */
    private fun countPictures(): Int {
        var pictures = 0
        extractor.seekTo(0, MediaExtractor.SEEK_TO_CLOSEST_SYNC)
        while (extractor.sampleTrackIndex >= 0) {
            if (extractor.sampleTime >= 0) pictures++
            if (!extractor.advance()) break
        }
        return pictures
    }

    private companion object {
        const val WAIT_US = 10_000L
        const val MOST_IDLE = 500

        // Their chroma is at the left, where nothing else is said.
        val CHROMA_AT_LEFT = setOf(MediaFormat.MIMETYPE_VIDEO_MPEG2, MediaFormat.MIMETYPE_VIDEO_MPEG4)

        fun mime(format: MediaFormat) = format.getString(MediaFormat.KEY_MIME).orEmpty()
    }
}

/** What a track of a container, or the output of a decoder, says about colours. */
fun colourTags(format: MediaFormat): ColourTags {
    val matrix =
        when (format.number(MediaFormat.KEY_COLOR_STANDARD)) {
            MediaFormat.COLOR_STANDARD_BT709 -> ColourMatrix.BT709
            MediaFormat.COLOR_STANDARD_BT601_PAL, MediaFormat.COLOR_STANDARD_BT601_NTSC -> ColourMatrix.BT601
            MediaFormat.COLOR_STANDARD_BT2020 -> ColourMatrix.BT2020
            else -> null
        }
    val fullRange =
        when (format.number(MediaFormat.KEY_COLOR_RANGE)) {
            MediaFormat.COLOR_RANGE_FULL -> true
            MediaFormat.COLOR_RANGE_LIMITED -> false
            else -> null
        }
    return ColourTags(matrix, fullRange)
}

/**
 * How a video is mirrored and turned.
 *
 * @param file Its bytes, which say it if they are MP4; closed afterwards.
 * @param format Its track, which says the rotation alone.
 */
fun orientation(
    file: InputStream?,
    format: MediaFormat,
): Orientation =
    file?.use { Mp4Orientation.read(it.buffered()) } ?: Orientation(format.number(MediaFormat.KEY_ROTATION) ?: 0)

private fun MediaFormat.number(key: String): Int? = if (containsKey(key)) getInteger(key) else null
