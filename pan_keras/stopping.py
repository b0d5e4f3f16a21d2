"""Turns Ctrl-C and SIGTERM into a stop request between two steps."""

import os
import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HEARD = b"stopping after this step; the same again quits at once\n"


class StopRequest:
    """Records the first Ctrl-C or SIGTERM inside its block; a second one ends the process.

    Outside the main thread, where Python cannot handle signals, it does nothing. Signals that are
    ignored from the start, as under `nohup`, stay ignored.

    Attributes:
        signal: Number of the received signal, or None.

    Example:
        >>> with StopRequest() as stop:
        ...     while not stop.signal:
        ...         advance()
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._earlier: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._earlier[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._earlier.items():
            # None is a handler that was not installed from Python and cannot be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # type: ignore[arg-type]
        self._earlier.clear()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        for each in self._earlier:
            # The default handler ends the process even within a step of minutes.
            signal.signal(each, signal.SIG_DFL)
        # Not `print`: the signal may have interrupted one.
        os.write(2, HEARD)
