package pan.demo

/** The one state of the app; it is changed and shown on the main thread. */
class StateStore(
    initial: UiState,
) {
    /** What is shown. */
    var state: UiState = initial
        private set

    /** Told of every change; null while no activity is there. */
    var listener: ((UiState) -> Unit)? = null

    fun update(change: (UiState) -> UiState) {
        val changed = change(state)
        if (changed == state) return
        state = changed
        listener?.invoke(changed)
    }
}
