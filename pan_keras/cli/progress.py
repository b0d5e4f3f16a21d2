"""Progress bars of long commands, which a signal stops with their results so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pan_keras.errors import Interrupted

Show = Callable[[str, int, int], None]


@contextmanager
def progress_bar(silent: bool = False) -> Iterator[Show | None]:
    """Shows a progress bar on standard error; standard output has only the result."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

    if silent:
        yield None
        return
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield show


@contextmanager
def interruptible(show: Show | None) -> Iterator[Show]:
    """Makes Ctrl-C and SIGTERM end the work at its next progress, whose results are kept.

    Args:
        show: Shows progress; None shows nothing.

    Raises:
        Interrupted: After a signal.
    """
    from pan_keras.stopping import StopRequest

    with StopRequest() as stop:

        def advance(what: str, done: int, total: int) -> None:
            if stop.signal is not None:
                raise Interrupted(
                    f"{what}: stopped at {done:,} of {total:,}; the same command continues there",
                    stop.signal,
                )
            if show is not None:
                show(what, done, total)

        yield advance
