package pan.demo

/** Holds the state of the app and tells its listener of changes. Used on the main thread. */
class StateStore(
    initial: UiState,
) {
    /** The newest state. */
    var state: UiState = initial
        private set

    /** Called with every new state; null while there is no activity. */
    var listener: ((UiState) -> Unit)? = null

    fun update(change: (UiState) -> UiState) {
        val changed = change(state)
        if (changed == state) return
        state = changed
        listener?.invoke(changed)
    }
}
