"""What the commands of `pan-keras bench` say and print."""

import json
import signal
from typing import TYPE_CHECKING

import click

from pan_keras.cli.output import echo

if TYPE_CHECKING:
    from pan_keras.bench.results import Results

COUNT = click.IntRange(min=1)


def say(line: str) -> None:
    """Says on standard error what a benchmark is doing."""
    echo(line, err=True)


def show(context: click.Context, results: "Results", as_json: bool) -> None:
    """Prints results, and exits as interrupted if Ctrl-C ended them."""
    echo(json.dumps(results.to_json()) if as_json else results.to_text())
    if results.work["interrupted"]:
        context.exit(128 + signal.SIGINT)
