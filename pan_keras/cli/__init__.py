"""The command `pan-keras`: thin commands over functions that can be imported."""

import os
import sys

import click

from pan_keras import __version__
from pan_keras.cli.train import train
from pan_keras.errors import UserError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pan-keras")
@click.option("-v", "--verbose", is_flag=True, help="Show TensorFlow's own messages.")
def cli(verbose: bool):
    """From a folder of videos to an action recogniser that runs on a phone."""
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


for command in (train,):
    cli.add_command(command)


def main():
    """Runs the command line; a user's mistake is one sentence and exit code 2."""
    try:
        cli()
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
