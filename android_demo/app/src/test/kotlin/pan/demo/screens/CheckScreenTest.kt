package pan.demo.screens

import android.view.ViewGroup
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import pan.demo.Acceleration
import pan.demo.AppRule
import pan.demo.PhoneLibrary
import pan.demo.R
import pan.demo.model.PhoneEngines

@RunWith(RobolectricTestRunner::class)
class CheckScreenTest {
    @get:Rule
    val app = AppRule()

    @Test
    fun aModelThatDoesNotFitIntoTheMemoryIsASentence() {
        app.bundles.forEach { name -> app.modelsOf(name).forEach { app.fakeEngines.refused[it] = { throw OutOfMemoryError("64 MB") } } }
        app.start()
        assertEquals(app.activity.getString(R.string.no_memory), app.text(R.id.model_in_use))
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it says so") { app.isShown(R.id.check_summary) }
        assertEquals(app.activity.getString(R.string.no_memory), app.text(R.id.row_detail))
    }

    @Test
    fun theCheckPassesWithThePhonesOwnTensorFlowLite() {
        PhoneLibrary.load()
        app.engines = PhoneEngines()
        app.start()
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it is done", 120) { app.isShown(R.id.check_summary) }
        val rows = app.view(R.id.check_rows) as ViewGroup
        assertEquals(app.modelsOf(app.bundles.first()).size, rows.childCount)
        for (place in 0 until rows.childCount) {
            val row = rows.getChildAt(place)
            val file = row.findViewById<TextView>(R.id.row_title).text.toString()
            val detail = row.findViewById<TextView>(R.id.row_detail).text.toString()
            val verdict = row.findViewById<TextView>(R.id.row_value).text.toString()
            // ONNX Runtime's own libraries are not in this build.
            if (file.endsWith(".onnx")) assertTrue(detail, detail.contains("not in this build")) else assertEquals("$file: $detail", "Passed", verdict)
        }
    }

    @Test
    fun aCheckThatFailsSaysByHowMuch() {
        app.start()
        app.fakeEngines.offBy[Acceleration.CPU] = 9f
        app.go(R.id.tab_check)
        app.click(R.id.run_check)
        app.until("it is done") { app.isShown(R.id.check_summary) }
        assertTrue(app.text(R.id.check_summary).startsWith("0 of"))
        assertEquals("Failed", app.text(R.id.row_value))
        assertTrue(app.text(R.id.row_detail).contains("off by 9"))
    }
}
