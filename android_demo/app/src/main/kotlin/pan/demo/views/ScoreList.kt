package pan.demo.views

import android.content.Context
import android.util.AttributeSet
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.TextView
import pan.demo.R
import pan.demo.Score
import java.text.NumberFormat

/** Shows names with their probabilities as bars. Rows are reused. */
class ScoreList
    @JvmOverloads
    constructor(
        context: Context,
        attributes: AttributeSet? = null,
    ) : LinearLayout(context, attributes) {
        private val percent = NumberFormat.getPercentInstance()

        init {
            orientation = VERTICAL
        }

        fun show(scores: List<Score>) {
            while (childCount < scores.size) LayoutInflater.from(context).inflate(R.layout.score, this)
            for (place in 0 until childCount) {
                val row = getChildAt(place)
                row.visibility = if (place < scores.size) View.VISIBLE else View.GONE
                if (place < scores.size) show(row, scores[place])
            }
        }

        private fun show(
            row: View,
            score: Score,
        ) {
            val share = percent.format(score.share)
            row.findViewById<TextView>(R.id.score_label).text = score.label
            row.findViewById<TextView>(R.id.score_share).text = share
            val bar = row.findViewById<ProgressBar>(R.id.score_bar)
            bar.progress = (score.share * bar.max).toInt()
            row.contentDescription = context.getString(R.string.score_description, score.label, share)
        }
    }
