package pan.demo.video

import android.media.MediaFormat
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.core.frames.ColourMatrix
import pan.core.frames.ColourTags

@RunWith(RobolectricTestRunner::class)
class ColourTagsTest {
    private fun tags(
        standard: Int?,
        range: Int?,
    ): ColourTags {
        val format = MediaFormat.createVideoFormat("video/avc", 64, 48)
        standard?.let { format.setInteger(MediaFormat.KEY_COLOR_STANDARD, it) }
        range?.let { format.setInteger(MediaFormat.KEY_COLOR_RANGE, it) }
        return colourTags(format)
    }

    @Test
    fun everyStandardAndRangeThatAFormatNamesIsUnderstood() {
        val limited = MediaFormat.COLOR_RANGE_LIMITED
        val full = MediaFormat.COLOR_RANGE_FULL
        assertEquals(ColourTags(ColourMatrix.BT709, false), tags(MediaFormat.COLOR_STANDARD_BT709, limited))
        assertEquals(ColourTags(ColourMatrix.BT601, true), tags(MediaFormat.COLOR_STANDARD_BT601_PAL, full))
        assertEquals(ColourTags(ColourMatrix.BT601, false), tags(MediaFormat.COLOR_STANDARD_BT601_NTSC, limited))
        assertEquals(ColourTags(ColourMatrix.BT2020, null), tags(MediaFormat.COLOR_STANDARD_BT2020, null))
    }

    @Test
    fun aFormatThatNamesNoneSaysNothing() {
        assertEquals(ColourTags(), tags(null, null))
        assertEquals(ColourTags(), tags(0, 0))
    }
}
