package pan.demo

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Bundle
import android.provider.OpenableColumns
import android.provider.Settings
import android.util.TypedValue
import android.view.ViewGroup
import android.widget.RadioGroup
import android.widget.TextView
import pan.demo.screens.BenchmarkScreen
import pan.demo.screens.CheckScreen
import pan.demo.screens.LiveScreen
import pan.demo.screens.ModelsScreen
import pan.demo.screens.ScreenView
import pan.demo.screens.VideoScreen
import pan.demo.screens.modelText

/** The app: five screens behind tabs. */
class MainActivity : Activity() {
    private lateinit var controller: AppController
    private lateinit var content: ViewGroup
    private var shown: Screen? = null
    private var view: ScreenView? = null
    private val displays =
        object : DisplayManager.DisplayListener {
            override fun onDisplayAdded(display: Int) = Unit

            override fun onDisplayRemoved(display: Int) = Unit

            // Half a turn does not make a new activity.
            override fun onDisplayChanged(display: Int) = controller.live.setVisible(true, displayRotation())
        }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        controller =
            lastNonConfigurationInstance as? AppController
                ?: AppController(Parts.make(applicationContext), savedInstanceState)
        setContentView(R.layout.main)
        content = findViewById(R.id.content)
        val tabs = findViewById<RadioGroup>(R.id.tabs)
        val largest = resources.getDimension(R.dimen.largest_tab_text)
        for (place in 0 until tabs.childCount) {
            val tab = tabs.getChildAt(place) as TextView
            tab.setTextSize(TypedValue.COMPLEX_UNIT_PX, minOf(tab.textSize, largest))
        }
        tabs.setOnCheckedChangeListener { _, id -> screenOf(id)?.let(controller::go) }
    }

    override fun onStart() {
        super.onStart()
        controller.live.setPermitted(isPermitted(), refused = false)
        controller.show(::show)
        controller.start(displayRotation())
        getSystemService(DisplayManager::class.java)?.registerDisplayListener(displays, null)
    }

    override fun onStop() {
        getSystemService(DisplayManager::class.java)?.unregisterDisplayListener(displays)
        controller.show(null)
        controller.stop(isChangingConfigurations)
        super.onStop()
    }

    @Deprecated("In the framework the successor is a library's.")
    override fun onRetainNonConfigurationInstance(): Any = controller

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        controller.save(outState)
    }

    /** Asks for the camera; where the system does not ask any more, opens the settings of the app. */
    fun askForCamera(refused: Boolean) {
        if (refused && !shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)) {
            startActivity(
                Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)),
            )
        } else {
            requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA_REQUEST)
        }
    }

    override fun onRequestPermissionsResult(
        requestCode: Int,
        permissions: Array<String>,
        grantResults: IntArray,
    ) {
        if (requestCode != CAMERA_REQUEST) return
        controller.live.setPermitted(isPermitted(), refused = grantResults.isNotEmpty())
    }

    /** Lets the user pick a file. */
    fun pick(
        request: Int,
        types: Array<String>,
    ) {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
        startActivityForResult(intent.putExtra(Intent.EXTRA_MIME_TYPES, types), request)
    }

    @Deprecated("In the framework the successor is a library's.")
    override fun onActivityResult(
        requestCode: Int,
        resultCode: Int,
        data: Intent?,
    ) {
        val uri = data?.data ?: return
        if (resultCode != RESULT_OK) return
        when (requestCode) {
            VIDEO_REQUEST -> controller.video.recognise(uri)
            BUNDLE_REQUEST -> controller.models.import(contentResolver, uri, nameOf(uri))
        }
    }

    private fun show(state: UiState) {
        if (state.screen != shown) {
            content.removeAllViews()
            val made = screen(state.screen)
            content.addView(made.root)
            view = made
            shown = state.screen
            findViewById<RadioGroup>(R.id.tabs).check(TABS.getValue(state.screen).first)
            findViewById<TextView>(R.id.title).setText(TABS.getValue(state.screen).second)
        }
        findViewById<TextView>(R.id.model_in_use).text = modelText(resources, state)
        view?.show(state)
    }

    private fun screen(screen: Screen): ScreenView =
        when (screen) {
            Screen.LIVE -> LiveScreen(this, content, controller)
            Screen.VIDEO -> VideoScreen(this, content, controller)
            Screen.MODELS -> ModelsScreen(this, content, controller)
            Screen.CHECK -> CheckScreen(this, content, controller)
            Screen.BENCHMARK -> BenchmarkScreen(this, content, controller)
        }

    private fun isPermitted() = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    @Suppress("DEPRECATION") // Its successor needs level 30.
    private fun displayRotation(): Int = windowManager.defaultDisplay.rotation

    private fun nameOf(uri: Uri): String =
        contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use {
            if (it.moveToFirst()) it.getString(0) else null
        } ?: uri.lastPathSegment.orEmpty()

    companion object {
        /** What [pick] is for: a video to recognise. */
        const val VIDEO_REQUEST = 1

        /** What [pick] is for: a bundle to import. */
        const val BUNDLE_REQUEST = 2

        private const val CAMERA_REQUEST = 3
        private val TABS =
            mapOf(
                Screen.LIVE to Pair(R.id.tab_live, R.string.live),
                Screen.VIDEO to Pair(R.id.tab_video, R.string.video),
                Screen.MODELS to Pair(R.id.tab_models, R.string.models),
                Screen.CHECK to Pair(R.id.tab_check, R.string.check),
                Screen.BENCHMARK to Pair(R.id.tab_benchmark, R.string.benchmark),
            )

        private fun screenOf(id: Int) = TABS.entries.find { it.value.first == id }?.key
    }
}
