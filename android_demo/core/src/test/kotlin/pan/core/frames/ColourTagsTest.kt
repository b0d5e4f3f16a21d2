package pan.core.frames

import pan.core.Case
import pan.core.Golden
import kotlin.test.Test
import kotlin.test.assertEquals

class ColourTagsTest {
    private fun Case.tags(name: String) =
        case(name).run {
            ColourTags(
                if (has("matrix")) ColourMatrix.valueOf(text("matrix")) else null,
                if (has("full")) flag("full") else null,
            )
        }

    @Test
    fun `matrix and range are those that the Python package decodes with`() {
        // One picture for all cases: nothing of the case before may stay.
        val picture = YuvPicture()
        for (case in Golden.cases("android.json", "colours")) {
            case.tags("bitstream").orElse(case.tags("container")).applyTo(picture)
            assertEquals(case.text("matrix"), picture.matrix.name, case.toString())
            assertEquals(case.flag("full"), picture.fullRange, case.toString())
        }
    }
}
