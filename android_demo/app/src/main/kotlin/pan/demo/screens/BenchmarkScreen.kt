package pan.demo.screens

import android.content.Intent
import android.view.View
import android.view.ViewGroup
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.Switch
import android.widget.TextView
import pan.demo.AppController
import pan.demo.BenchmarkRow
import pan.demo.MainActivity
import pan.demo.R
import pan.demo.UiState

/** Measures the models of the bundle on this phone and shows the results. */
class BenchmarkScreen(
    private val activity: MainActivity,
    parent: ViewGroup,
    private val controller: AppController,
) : ScreenView {
    override val root: View = activity.layoutInflater.inflate(R.layout.benchmark, parent, false)

    private val run: View = root.findViewById(R.id.run_benchmark)
    private val cancel: View = root.findViewById(R.id.cancel_benchmark)
    private val share: View = root.findViewById(R.id.share_benchmark)
    private val sustained: Switch = root.findViewById(R.id.sustained)
    private val progress: ProgressBar = root.findViewById(R.id.benchmark_progress)
    private val step: TextView = root.findViewById(R.id.benchmark_step)
    private val error: TextView = root.findViewById(R.id.benchmark_error)
    private val rows: LinearLayout = root.findViewById(R.id.benchmark_rows)
    private val conditions: TextView = root.findViewById(R.id.benchmark_conditions)

    init {
        run.setOnClickListener { controller.benchmark.run(controller.state.choice) }
        cancel.setOnClickListener { controller.benchmark.cancel() }
        share.setOnClickListener {
            controller.state.benchmark.report
                ?.let(::send)
        }
        sustained.setOnCheckedChangeListener { _, wanted -> controller.benchmark.setSustained(wanted) }
    }

    override fun show(state: UiState) {
        val benchmark = state.benchmark
        run.isEnabled = state.choice.bundle != null && !benchmark.running
        cancel.showIf(benchmark.running)
        share.showIf(benchmark.report != null)
        sustained.isChecked = benchmark.sustained
        sustained.isEnabled = !benchmark.running
        progress.showIf(benchmark.running)
        progress.progress = (benchmark.progress * progress.max).toInt()
        step.say(benchmark.step)
        error.say(benchmark.error)
        conditions.say(benchmark.conditions)
        if (rows.tag == benchmark.rows) return
        rows.tag = benchmark.rows
        rows.removeAllViews()
        benchmark.rows.forEach { rows.addView(row(it)) }
    }

    private fun row(row: BenchmarkRow): View {
        val view = activity.layoutInflater.inflate(R.layout.row, rows, false)
        view.findViewById<TextView>(R.id.row_title).text =
            activity.resources.getQuantityString(R.plurals.file_and_threads, row.threads, row.file, row.threads)
        val value = view.findViewById<TextView>(R.id.row_value)
        if (row.median != null && row.slow != null) {
            value.text = activity.getString(R.string.benchmark_value, row.median, row.slow)
        } else {
            value.setText(R.string.not_measured)
            value.setTextColor(activity.getColor(R.color.bad))
        }
        view.findViewById<TextView>(R.id.row_detail).say(row.detail)
        return view
    }

    private fun send(report: String) {
        val intent = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, report)
        activity.startActivity(Intent.createChooser(intent, activity.getString(R.string.share_benchmark)))
    }
}
