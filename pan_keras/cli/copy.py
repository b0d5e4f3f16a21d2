"""`pan-keras copy`: the command line of `pan_keras.runs.copying`."""

import json

import click

from pan_keras.cli.options import json_option
from pan_keras.cli.output import echo
from pan_keras.cli.progress import progress_bar
from pan_keras.errors import Interrupted


@click.command()
@click.argument("source")
@click.argument("target")
@json_option
def copy(source: str, target: str, as_json: bool):
    """Copy a finished run or a bundle to remote storage, or from there to a folder.

    One of SOURCE and TARGET is an address, such as s3://bucket/models/waves, which other commands
    then take in place of a run or bundle. A copy is complete or cannot be opened; nothing is
    overwritten. Checkpoints of the training are not copied, so a copy cannot be resumed.
    """
    from pan_keras.runs.copying import copy_model
    from pan_keras.stopping import StopRequest

    with progress_bar(silent=as_json) as show, StopRequest() as stop:

        def advance(what: str, done: int, total: int) -> None:
            if stop.signal is not None:
                raise Interrupted(f"{target}: stopped, nothing was copied", stop.signal)
            if show is not None:
                show(what, done, total)

        copied = copy_model(source, target, progress=advance)
    echo(json.dumps({"copy": copied}) if as_json else copied)
