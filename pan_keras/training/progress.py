"""What a person sees while a model trains."""

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pan_keras.printable import printable_message


class TrainingProgress:
    """A bar on a terminal, one line an epoch elsewhere, nothing when quiet.

    Args:
        epochs: Epochs of the run.
        steps: Steps of an epoch.
        quiet: Whether to print warnings alone.
    """

    def __init__(self, epochs: int, steps: int, quiet: bool = False):
        self.epochs = epochs
        self.steps = steps
        self.quiet = quiet
        self.console = Console(file=sys.stderr, soft_wrap=True, highlight=False)
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

    def __enter__(self) -> "TrainingProgress":
        self.bar.start()
        return self

    def __exit__(self, *error) -> None:
        self.bar.stop()

    def step(self, step: int, figures: Mapping[str, float]) -> None:
        """Moves the bar to a step.

        Args:
            step: Steps done since the start of the run.
            figures: `loss`, `accuracy`, `clips_per_second` and `input_wait` of the epoch so far.
        """
        epoch = (step - 1) // self.steps + 1
        self.bar.update(
            self.task, completed=step, epoch=f"{epoch}/{self.epochs}", figures=_text(figures)
        )

    def epoch(self, row: Mapping[str, float]) -> None:
        """Prints the line of a finished epoch."""
        if not self.quiet:
            self.console.print(
                f"epoch {row['epoch']:.0f}/{self.epochs}  {_text(row)}", markup=False
            )

    def note(self, text: str) -> None:
        """Prints a sentence that nobody who is quiet misses."""
        if not self.quiet:
            self.message(text)

    def message(self, text: str) -> None:
        """Prints a sentence that a person should read."""
        self.console.print(printable_message(text), markup=False)


def _text(figures: Mapping[str, float]) -> str:
    parts = [f"loss {figures['loss']:.3f}", f"accuracy {figures['accuracy']:.3f}"]
    if "val_accuracy" in figures:
        parts += [
            f"val loss {figures['val_loss']:.3f}",
            f"val accuracy {figures['val_accuracy']:.3f}",
        ]
    parts += [
        f"{figures['clips_per_second']:.1f} clips/s",
        f"input wait {figures['input_wait']:.1%}",
    ]
    return "  ".join(parts)
