"""`pan-keras dataset prepare`: from the files of a published data set to its manifest."""

import json
from pathlib import Path

import click

from pan_keras.cli.engine import engine_options, inspection, opened_engine
from pan_keras.cli.options import json_option
from pan_keras.cli.output import echo
from pan_keras.cli.progress import interruptible, progress_bar


@click.command()
@click.argument("name")
@click.option(
    "--source",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder with the unpacked clips and label files.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the manifest, which is then the --root of other commands; may be that of the "
    "files.",
)
@engine_options
@json_option
def prepare(name: str, source: Path, output: Path, engine: str, address: str | None, as_json: bool):
    """Check the files of the published data set NAME, and write its manifest.

    NAME is something-v1, something-v2, jester, kinetics400, ucf101 or hmdb51. Class and split of
    each clip are those of the official label files. Clips that are missing, broken or without a
    label are listed in problems.csv, with reasons. Checked clips are remembered: the same command
    continues after an interruption, and later reads only new or changed files.
    """
    from pan_keras.data import prepare_dataset

    with (
        progress_bar(silent=as_json) as show,
        interruptible(show) as progress,
        opened_engine(engine, address) as cluster,
    ):
        done = prepare_dataset(name, source, output, progress=progress, read=inspection(cluster))
    echo(json.dumps(done.to_json()) if as_json else done.to_text())
