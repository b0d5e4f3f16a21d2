package pan.core.frames

import pan.core.Case
import pan.core.Golden
import pan.core.sha256
import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class ColourConversionTest {
    private val cases = Golden.cases("android.json", "picture")

    private fun Case.picture(layout: Layout) =
        picture(whole("width"), whole("height"), layout).also {
            it.rotation = whole("rotation")
            it.matrix = ColourMatrix.valueOf(text("matrix"))
            it.fullRange = flag("full")
            it.mirrored = flag("mirrored")
            it.chromaAtLeft = flag("chroma_at_left")
        }

    @Test
    fun `pictures are those of libswscale to the last grey level in every layout`() {
        val conversion = ColourConversion()
        val frame = RgbFrame()
        for (case in cases) {
            for (layout in Layout.entries) {
                conversion.convert(case.picture(layout), frame)
                val corner = case.wholes("corner")
                assertEquals(corner, frame.bytes.take(corner.size).map { it.toInt() and 255 }, "$layout $case")
                val size = frame.height * frame.width * 3
                assertEquals(case.text("rgb"), sha256(frame.bytes, size), "$layout $case")
            }
        }
    }

    @Test
    fun `a visible part is taken where the offsets say`() {
        val whole = RgbFrame()
        val part = RgbFrame()
        val picture = picture(64, 48)
        ColourConversion().convert(picture, whole)
        picture.y.offset += 2 * picture.y.rowStride + 4
        picture.u.offset += picture.u.rowStride + 2
        picture.v.offset += picture.v.rowStride + 2
        picture.width = 20
        picture.height = 10
        ColourConversion().convert(picture, part)
        for (row in 0 until 10) {
            val start = ((row + 2) * 64 + 4) * 3
            assertEquals(
                whole.bytes.slice(start until start + 60),
                part.bytes.slice(row * 60 until (row + 1) * 60),
            )
        }
    }

    @Test
    fun `positions of the planes stay`() {
        for (height in 48..49) {
            val picture = picture(64, height)
            ColourConversion().convert(picture, RgbFrame())
            assertEquals(0, picture.y.bytes.position())
        }
    }

    @Test
    fun `a picture turned by other than quarters is refused`() {
        val picture = picture(8, 8).also { it.rotation = 45 }
        val error = assertFailsWith<IllegalArgumentException> { ColourConversion().convert(picture, RgbFrame()) }
        assertTrue("45" in error.message.orEmpty())
    }

    @Test
    fun `frames for the model are those of evaluation to the last grey level`() {
        for (case in cases) {
            val input = case.input("input")
            val target = ByteBuffer.allocate(input.frameBytes)
            FramePreparation(input).prepare(case.picture(Layout.I420), target)
            assertEquals(0, target.remaining())
            assertEquals(case.text("prepared"), sha256(target.array()), case.toString())
        }
    }

    @Test
    fun `one preparation serves pictures of changing sizes`() {
        for ((input, same) in cases.groupBy { it.input("input") }) {
            val preparation = FramePreparation(input)
            for (case in same + same.reversed()) {
                val target = ByteBuffer.allocate(input.frameBytes)
                preparation.prepare(case.picture(Layout.NV12), target)
                assertEquals(case.text("prepared"), sha256(target.array()), case.toString())
            }
        }
    }
}
