package pan.demo.screens

import android.content.res.Resources
import android.view.View
import android.widget.TextView
import pan.demo.Acceleration
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.R
import pan.demo.UiState
import java.text.NumberFormat

/** A screen: its views, and how they show a state. */
interface ScreenView {
    val root: View

    fun show(state: UiState)
}

/** Shows a sentence, or nothing and no room for it. */
internal fun TextView.say(notice: Notice?) = say(notice?.said(resources))

/** The same for a text. */
internal fun TextView.say(said: String?) {
    visibility = if (said.isNullOrEmpty()) View.GONE else View.VISIBLE
    if (text.toString() != said.orEmpty()) text = said
}

internal fun View.showIf(shown: Boolean) {
    visibility = if (shown) View.VISIBLE else View.GONE
}

/** Name of an acceleration. */
internal fun accelerationName(acceleration: Acceleration): Int =
    when (acceleration) {
        Acceleration.CPU -> R.string.cpu
        Acceleration.CPU_PLAIN -> R.string.cpu_plain
        Acceleration.NNAPI -> R.string.nnapi
        Acceleration.GPU -> R.string.gpu
    }

/** That no class is probable enough for an answer. */
internal fun unknownText(
    resources: Resources,
    threshold: Float,
): String {
    val percent = NumberFormat.getPercentInstance().apply { maximumFractionDigits = 1 }
    return resources.getString(R.string.unknown_up_to, percent.format(threshold))
}

/** What stands below the title: the model in use, or why there is none. */
internal fun modelText(
    resources: Resources,
    state: UiState,
): String =
    when (val model = state.model) {
        is ModelState.Ready -> resources.getString(R.string.model_in_use, model.name, model.file)
        is ModelState.Failed -> model.reason.said(resources)
        ModelState.Loading -> resources.getString(R.string.model_loading)
        ModelState.None -> resources.getString(if (state.bundles.isEmpty()) R.string.no_bundle else R.string.no_model)
    }
