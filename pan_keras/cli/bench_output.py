"""Results and interruption of the commands of `pan-keras bench`."""

import json
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

import click

from pan_keras.cli.output import echo

if TYPE_CHECKING:
    from pan_keras.bench.results import Results

STOPPED_BY = "pan_keras.bench.stopped_by"


def keep_rounds_on_sigterm(context: click.Context) -> None:
    """Makes SIGTERM end a benchmark as Ctrl-C does, so that the rounds so far are kept."""
    # Only the main thread may set signal handlers.
    if threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        context.meta[STOPPED_BY] = number
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGTERM, stop)
    context.call_on_close(lambda: signal.signal(signal.SIGTERM, earlier))


def exit_as_interrupted(context: click.Context) -> None:
    """Exits with the code of the signal that ended a benchmark."""
    context.exit(128 + context.meta.get(STOPPED_BY, signal.SIGINT))


def show(
    context: click.Context, results: "Results", as_json: bool, text: str | None = None
) -> None:
    """Prints results, and exits as interrupted if Ctrl-C or SIGTERM ended them.

    Args:
        context: The command that runs.
        results: What it measured.
        as_json: Whether they are printed as JSON.
        text: The results as text; by default `results.to_text()`.
    """
    echo(json.dumps(results.to_json()) if as_json else text or results.to_text())
    if results.work["interrupted"]:
        exit_as_interrupted(context)
