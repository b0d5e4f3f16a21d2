"""Terminal output of the commands."""

from collections.abc import Iterable
from pathlib import Path

import click

from pan_keras.printable import printable_lines
from pan_keras.silence import silent_stderr


def echo(text: object, err: bool = False) -> None:
    """Prints text; characters that could steer the terminal are escaped.

    Args:
        text: One line or several; JSON stays JSON.
        err: Whether it goes to standard error.
    """
    click.echo(printable_lines(text), err=err)


def tell(line: str) -> None:
    """Prints progress or a warning on standard error, so that standard output has only results.

    Args:
        line: A line of progress, or a sentence.
    """
    echo(line, err=True)


class TensorFlowCommand(click.Command):
    """A command that needs TensorFlow: imports it before it runs, without its messages.

    TensorFlow writes to the file descriptor before its log level takes effect, so the descriptor is
    redirected during the import. `pan-keras -v` shows the messages.
    """

    def invoke(self, ctx: click.Context):
        """Imports TensorFlow, then runs the command."""
        import_tensorflow(ctx)
        return super().invoke(ctx)


def import_tensorflow(ctx: click.Context, models: Iterable[Path | str] | None = None) -> None:
    """Imports TensorFlow without its messages, unless `pan-keras -v` asks for them.

    Args:
        ctx: The command that runs.
        models: Models that the command opens. Bundles alone need no TensorFlow, which takes seconds
            to import.
    """
    from pan_keras.bundle import is_bundle

    if models is not None and all(map(is_bundle, models)):
        return
    if not ctx.find_root().params.get("verbose"):
        with silent_stderr():
            import tensorflow as tf

            tf.config.list_physical_devices()
