package pan.demo.screens

import android.app.AlertDialog
import android.text.format.Formatter
import android.view.View
import android.view.ViewGroup
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.SeekBar
import android.widget.TextView
import pan.demo.Acceleration
import pan.demo.AppController
import pan.demo.BundleItem
import pan.demo.FileItem
import pan.demo.MainActivity
import pan.demo.ModelState
import pan.demo.Notice
import pan.demo.R
import pan.demo.UiState

/** Lets the user choose bundle, model file, threads and acceleration. */
class ModelsScreen(
    private val activity: MainActivity,
    parent: ViewGroup,
    private val controller: AppController,
) : ScreenView {
    override val root: View = activity.layoutInflater.inflate(R.layout.models, parent, false)

    private val bundles: RadioGroup = root.findViewById(R.id.bundle_choices)
    private val files: RadioGroup = root.findViewById(R.id.file_choices)
    private val accelerations: RadioGroup = root.findViewById(R.id.acceleration_choices)
    private val threads: SeekBar = root.findViewById(R.id.threads_bar)
    private val threadsText: TextView = root.findViewById(R.id.threads_value)
    private val status: TextView = root.findViewById(R.id.model_status)
    private val importError: TextView = root.findViewById(R.id.import_error)

    init {
        root
            .findViewById<View>(
                R.id.import_bundle,
            ).setOnClickListener { activity.pick(MainActivity.BUNDLE_REQUEST, ZIP) }
        root.findViewById<View>(R.id.remove_bundle).setOnClickListener { controller.models.remove() }
        root.findViewById<View>(R.id.model_card).setOnClickListener { controller.models.card(::showCard) }
        threads.setOnSeekBarChangeListener(Threads())
    }

    override fun show(state: UiState) {
        val shown = state.bundle?.files.orEmpty()
        val file = shown.find { it.file == state.choice.file }
        choices(bundles, state.bundles, state.bundle, ::bundleText, {
            it.problem == null
        }) { controller.models.chooseBundle(it.id) }
        choices(files, shown, file, { fileText(it, state.formats) }, { it.format in state.formats }) {
            controller.models.chooseFile(it.file)
        }
        choices(accelerations, state.accelerations, state.choice.acceleration, ::accelerationText, { true }) {
            controller.models.chooseAcceleration(it)
        }
        threads.max = state.cores - 1
        threads.progress = state.choice.threads - 1
        threadsText.text = threadsSaid(state.choice.threads, state.cores)
        root.findViewById<View>(R.id.remove_bundle).showIf(state.bundle?.imported == true)
        root.findViewById<View>(R.id.model_card).isEnabled = state.bundle != null
        root.findViewById<View>(R.id.import_bundle).isEnabled = !state.importing
        importError.say(if (state.importing) Notice(R.string.importing) else state.importError)
        status.say(statusText(state))
    }

    private fun threadsSaid(
        threads: Int,
        cores: Int,
    ) = activity.resources.getQuantityString(R.plurals.threads_of, threads, threads, cores)

    private fun statusText(state: UiState): String =
        when (val model = state.model) {
            is ModelState.Ready -> {
                val passed =
                    activity.getString(
                        R.string.vectors_passed,
                        activity.getString(accelerationName(model.acceleration)),
                        model.difference,
                        model.limit,
                    )
                listOfNotNull(model.refused?.said(activity.resources), passed).joinToString("\n\n")
            }

            else -> {
                modelText(activity.resources, state)
            }
        }

    private fun accelerationText(acceleration: Acceleration) = activity.getString(accelerationName(acceleration))

    private fun bundleText(bundle: BundleItem): String {
        bundle.problem?.let { return activity.getString(R.string.two_lines, bundle.name, it) }
        val origin = activity.getString(if (bundle.imported) R.string.imported else R.string.inside)
        val classes = activity.resources.getQuantityString(R.plurals.classes, bundle.classes, bundle.classes)
        return activity.getString(
            R.string.two_lines,
            bundle.name,
            activity.getString(R.string.two_facts, classes, origin),
        )
    }

    private fun fileText(
        file: FileItem,
        formats: Set<String>,
    ): String {
        val size = file.bytes?.let { Formatter.formatShortFileSize(activity, it) }.orEmpty()
        val kind = activity.getString(if (file.streaming) R.string.streaming else R.string.clips)
        val facts = activity.getString(R.string.three_facts, file.precision, kind, size)
        val usable = file.format in formats
        return activity.getString(
            R.string.two_lines,
            file.file,
            if (usable) facts else activity.getString(R.string.not_in_build),
        )
    }

    /** Makes the buttons anew where the values have changed, else checks another one. */
    private fun <T> choices(
        group: RadioGroup,
        values: List<T>,
        chosen: T?,
        text: (T) -> String,
        usable: (T) -> Boolean,
        choose: (T) -> Unit,
    ) {
        if (group.tag != values) {
            group.tag = values
            group.removeAllViews()
            values.forEachIndexed { place, value ->
                val button = activity.layoutInflater.inflate(R.layout.choice, group, false) as RadioButton
                button.id = place + 1
                button.text = text(value)
                button.isEnabled = usable(value)
                button.setOnClickListener { choose(value) }
                group.addView(button)
            }
        }
        group.check(values.indexOf(chosen) + 1)
    }

    private fun showCard(text: String) {
        if (activity.isFinishing) return
        val view = activity.layoutInflater.inflate(R.layout.card, activity.findViewById(android.R.id.content), false)
        view.findViewById<TextView>(R.id.card_text).text = text
        AlertDialog
            .Builder(
                activity,
            ).setTitle(R.string.model_card)
            .setView(view)
            .setPositiveButton(R.string.close, null)
            .show()
    }

    private inner class Threads : SeekBar.OnSeekBarChangeListener {
        override fun onProgressChanged(
            bar: SeekBar,
            progress: Int,
            byUser: Boolean,
        ) {
            if (!byUser) return
            threadsText.text = threadsSaid(progress + 1, bar.max + 1)
            // A step by a keyboard or a screen reader has no end of a touch.
            if (!bar.isPressed) controller.models.chooseThreads(progress + 1)
        }

        override fun onStartTrackingTouch(bar: SeekBar) = Unit

        override fun onStopTrackingTouch(bar: SeekBar) = controller.models.chooseThreads(bar.progress + 1)
    }

    private companion object {
        val ZIP = arrayOf("application/zip", "application/x-zip-compressed", "application/octet-stream")
    }
}
