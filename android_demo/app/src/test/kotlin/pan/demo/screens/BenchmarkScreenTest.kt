package pan.demo.screens

import android.content.Intent
import android.view.ViewGroup
import android.widget.Switch
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import pan.demo.AppRule
import pan.demo.R

@RunWith(RobolectricTestRunner::class)
class BenchmarkScreenTest {
    @get:Rule
    val app = AppRule()

    @Test
    fun theBenchmarkMeasuresEveryFileAndSharesJson() {
        app.start()
        app.go(R.id.tab_benchmark)
        app.activity.findViewById<Switch>(R.id.sustained).isChecked = false
        app.click(R.id.run_benchmark)
        app.until("it is done") { app.isShown(R.id.share_benchmark) }
        val rows = app.view(R.id.benchmark_rows) as ViewGroup
        assertEquals(3 * app.modelsOf(app.bundles.first()).size, rows.childCount)
        app.click(R.id.share_benchmark)
        val sent = checkNotNull(shadowOf(app.activity).nextStartedActivity)
        assertEquals(Intent.ACTION_CHOOSER, sent.action)
        assertTrue(app.text(R.id.benchmark_conditions).contains("31.5 °C"))
        app.until("the model is back") { app.fakeEngines.open == 1 }
    }

    @Test
    fun aStoppedBenchmarkKeepsWhatWasMeasured() {
        app.fakeEngines.callMilliseconds = 20
        app.start()
        app.go(R.id.tab_benchmark)
        app.click(R.id.run_benchmark)
        app.until("it measures the second case") { app.fakeEngines.loads.size > 3 }
        app.click(R.id.cancel_benchmark)
        app.until("it has stopped") { app.isShown(R.id.share_benchmark) }
        assertTrue((app.view(R.id.benchmark_rows) as ViewGroup).childCount >= 1)
        app.fakeEngines.callMilliseconds = 0
    }
}
