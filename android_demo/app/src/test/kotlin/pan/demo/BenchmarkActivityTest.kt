package pan.demo

import android.content.Intent
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import pan.demo.model.BundleStore
import java.io.File

@RunWith(RobolectricTestRunner::class)
class BenchmarkActivityTest {
    @get:Rule
    val app = AppRule()

    private val folder = checkNotNull(RuntimeEnvironment.getApplication().getExternalFilesDir(null))
    private val inside = "/" + BundleStore.inside(RuntimeEnvironment.getApplication().assets).first()

    @Test
    fun itWritesTheResultsAndEnds() {
        val results = run("bundle" to inside, "threads" to "1,2", "seconds" to "0.01", "sustained" to "1")
        val rows = results.getJSONArray("rows")
        assertTrue(rows.length() >= 3)
        val first = rows.getJSONObject(0)
        assertEquals("android", first.getString("target"))
        assertTrue(first.getDouble("p50_ms") <= first.getJSONObject("facts").getDouble("p90_ms"))
        assertEquals(
            setOf("preprocess", "run", "read_back"),
            first
                .getJSONObject("milliseconds")
                .keys()
                .asSequence()
                .toSet(),
        )
        assertEquals("Example One", results.getJSONObject("machine").getString("name"))
        assertEquals(1, rows.getJSONObject(rows.length() - 1).getJSONObject("facts").getInt("sustained_seconds"))
        System.getProperty("report")?.let { File(it).writeText(results.toString(1) + "\n") }
        // A test of the Python package reads the golden file as pan-keras bench does.
        val golden = JSONObject(File(System.getProperty("golden")).readText())
        assertEquals(keys(golden), keys(results))
        assertEquals(keys(golden.getJSONArray("rows").getJSONObject(0)), keys(first))
        assertEquals(keys(golden.getJSONObject("machine")), keys(results.getJSONObject("machine")))
        assertEquals(keys(golden.getJSONObject("work")), keys(results.getJSONObject("work")))
    }

    @Test
    fun onlyTheWantedPrecisionsAreMeasured() {
        val rows = run("bundle" to inside, "precision" to "float32", "threads" to "1").getJSONArray("rows")
        assertTrue(rows.length() >= 1)
        for (place in 0 until rows.length()) assertEquals("float32", rows.getJSONObject(place).getString("precision"))
    }

    @Test
    fun whatCannotBeMeasuredIsAnErrorInTheFile() {
        assertTrue(run("bundle" to "/data/nothing").getString("error").contains("no bundle"))
        assertEquals("the extra bundle is missing", run().getString("error"))
        assertEquals("threads: x is no number above 0", run("bundle" to inside, "threads" to "x").getString("error"))
        assertEquals("acceleration: tpu is unknown", run("bundle" to inside, "acceleration" to "tpu").getString("error"))
        assertTrue(run("bundle" to inside, "precision" to "int4").getString("error").contains("int4"))
    }

    private fun keys(content: JSONObject) = content.keys().asSequence().toSet()

    private fun run(vararg extras: Pair<String, String>): JSONObject {
        val out = File(folder, "results.json")
        out.delete()
        val intent = Intent().putExtra("out", "results.json")
        for ((name, value) in extras) intent.putExtra(name, value)
        val controller = Robolectric.buildActivity(BenchmarkActivity::class.java, intent).setup()
        app.until("it has ended") { controller.get().isFinishing }
        controller.pause().stop().destroy()
        assertFalse(File(folder, "results.json.partial").exists())
        return JSONObject(out.readText())
    }
}
