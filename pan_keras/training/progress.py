"""Console progress of training."""

import sys
import time
from collections.abc import Mapping

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pan_keras.printable import printable_message

TEXTS = {
    "loss": "loss {:.3f}",
    "accuracy": "accuracy {:.3f}",
    "val_loss": "val loss {:.3f}",
    "val_accuracy": "val accuracy {:.3f}",
    "clips_per_second": "{:.1f} clips/s",
    "input_wait": "input wait {:.1%}",
}
SECONDS = 0.5  # between two updates of the line in a notebook


class ConsoleProgress(keras.callbacks.Callback):
    """A progress bar on a terminal, a line updated in place in a notebook, else a line per epoch.

    Args:
        epochs: Epochs of the run.
        steps: Steps per epoch.
        quiet: Whether to print warnings only.

    Example:
        >>> with ConsoleProgress(epochs=20, steps=12) as progress:
        ...     progress.note("resumed at step 24 of 240")
    """

    async_safe = True  # metrics may be a few steps old

    def __init__(self, epochs: int, steps: int, quiet: bool = False):
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.quiet = quiet
        self.notebook = _is_notebook()
        # Plain text, since rich's notebook support needs widgets that may not be installed.
        file = sys.stdout if self.notebook else sys.stderr
        self.console = Console(file=file, soft_wrap=True, highlight=False, force_jupyter=False)
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=epochs * steps, epoch="", figures="")
        self._epoch = 0
        self._drawn = 0.0
        self._line = ""

    def __enter__(self) -> "ConsoleProgress":
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
        self._clear()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """Stores the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Updates the bar or the line."""
        name = f"{self._epoch + 1}/{self.epochs}"
        if not self.bar.disable:
            done = self._epoch * self.steps + batch + 1
            self.bar.update(self.task, completed=done, epoch=name, figures=_text(logs or {}))
        elif self.notebook and not self.quiet and time.monotonic() - self._drawn >= SECONDS:
            self._drawn = time.monotonic()
            self._clear()
            self._line = f"epoch {name}  step {batch + 1}/{self.steps}  {_text(logs or {})}"
            print(self._line, end="", flush=True, file=self.console.file)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Prints the line of a finished epoch."""
        if not self.quiet:
            self._clear()
            self.console.print(
                f"epoch {epoch + 1}/{self.epochs}  {_text(logs or {})}", markup=False
            )

    def note(self, text: str) -> None:
        """Prints a sentence, unless quiet."""
        if not self.quiet:
            self.message(text)

    def message(self, text: str) -> None:
        """Prints a warning, quiet or not."""
        self._clear()
        self.console.print(printable_message(text), markup=False)

    def _clear(self) -> None:
        if self._line:
            print("\r" + " " * len(self._line) + "\r", end="", file=self.console.file)
            self._line = ""


def _is_notebook() -> bool:
    """Whether this runs in a notebook; does not import IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


def _text(figures: Mapping[str, float]) -> str:
    return "  ".join(text.format(figures[name]) for name, text in TEXTS.items() if name in figures)
