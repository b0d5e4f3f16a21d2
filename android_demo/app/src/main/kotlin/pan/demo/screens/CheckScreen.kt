package pan.demo.screens

import android.view.View
import android.view.ViewGroup
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.TextView
import pan.demo.AppController
import pan.demo.CheckRow
import pan.demo.CheckState
import pan.demo.MainActivity
import pan.demo.R
import pan.demo.UiState

/** Runs the test vectors of the bundle on this phone and shows the results. */
class CheckScreen(
    private val activity: MainActivity,
    parent: ViewGroup,
    private val controller: AppController,
) : ScreenView {
    override val root: View = activity.layoutInflater.inflate(R.layout.check, parent, false)

    private val run: View = root.findViewById(R.id.run_check)
    private val cancel: View = root.findViewById(R.id.cancel_check)
    private val progress: ProgressBar = root.findViewById(R.id.check_progress)
    private val error: TextView = root.findViewById(R.id.check_error)
    private val summary: TextView = root.findViewById(R.id.check_summary)
    private val rows: LinearLayout = root.findViewById(R.id.check_rows)

    init {
        run.setOnClickListener { controller.check.run(controller.state.choice) }
        cancel.setOnClickListener { controller.check.cancel() }
    }

    override fun show(state: UiState) {
        val check = state.check
        run.isEnabled = state.choice.bundle != null && !check.running
        cancel.showIf(check.running)
        progress.showIf(check.running)
        progress.max = maxOf(1, check.total)
        progress.progress = check.done
        error.say(check.error)
        summary.say(summaryText(check))
        if (rows.tag == check.rows) return
        rows.tag = check.rows
        rows.removeAllViews()
        check.rows.forEach { rows.addView(row(it)) }
    }

    private fun summaryText(check: CheckState): String? {
        if (check.running || check.rows.isEmpty()) return null
        val ran = check.rows.count { !it.isSkipped }
        val passed = check.rows.count { it.passed }
        return activity.resources.getQuantityString(R.plurals.check_summary, ran, passed, ran)
    }

    private fun row(row: CheckRow): View {
        val view = activity.layoutInflater.inflate(R.layout.row, rows, false)
        view.findViewById<TextView>(R.id.row_title).text = row.file
        val value = view.findViewById<TextView>(R.id.row_value)
        val (verdict, colour) =
            when {
                row.passed -> R.string.passed to R.color.good
                row.isSkipped -> R.string.skipped to R.color.text_quiet
                else -> R.string.failed to R.color.bad
            }
        value.setText(verdict)
        value.setTextColor(activity.getColor(colour))
        val detail =
            if (row.difference == null ||
                row.limit == null
            ) {
                null
            } else {
                activity.getString(R.string.off_by, row.difference, row.limit)
            }
        view.findViewById<TextView>(R.id.row_detail).say(row.problem?.said(activity.resources) ?: detail)
        return view
    }
}
