"""The command `pan-keras`: thin commands over functions that can be imported."""

import os

import click

from pan_keras import __version__
from pan_keras.cli.ablation import ablation
from pan_keras.cli.bench import bench
from pan_keras.cli.calibrate import calibrate
from pan_keras.cli.combine import combine
from pan_keras.cli.compare import compare
from pan_keras.cli.convert import convert
from pan_keras.cli.copy import copy
from pan_keras.cli.dataset import dataset
from pan_keras.cli.demo import demo
from pan_keras.cli.evaluate import evaluate
from pan_keras.cli.explain import explain
from pan_keras.cli.export import export
from pan_keras.cli.models import models
from pan_keras.cli.motion import motion
from pan_keras.cli.output import echo
from pan_keras.cli.predict import predict
from pan_keras.cli.report import report
from pan_keras.cli.settings import settings
from pan_keras.cli.train import train
from pan_keras.cli.verify import verify
from pan_keras.errors import Interrupted, UserError
from pan_keras.installation import missing_part
from pan_keras.printable import printable_message

COMMANDS = (
    ablation,
    bench,
    calibrate,
    combine,
    compare,
    convert,
    copy,
    dataset,
    demo,
    evaluate,
    explain,
    export,
    models,
    motion,
    predict,
    report,
    settings,
    train,
    verify,
)
# The extra with everything that a command needs. The commands left out also take bundles; what they
# need depends on their arguments.
EXTRAS = {
    "ablation": "train",
    "bench": "export",
    "calibrate": "train",
    "combine": "train",
    "compare": "train",
    "convert": "train",
    "copy": "train",
    "dataset": "train",
    "demo": "export",
    "evaluate": "train",
    "export": "export",
    "models": "train",
    "motion": "train",
    "report": "train",
    "settings": "train",
    "train": "train",
}


class Mistake(click.ClickException):
    """A user error: one sentence on standard error."""

    exit_code = 2


class Commands(click.Group):
    """A group whose commands answer a user error with one sentence and exit code 2."""

    def invoke(self, ctx: click.Context):
        """Runs the command and turns known errors into sentences and exit codes."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise Mistake(printable_message(error)) from error
        except ModuleNotFoundError as error:
            sentence = missing_part(error, EXTRAS.get(ctx.invoked_subcommand or "", ""))
            if sentence is None:
                raise
            raise Mistake(str(sentence)) from error
        except Interrupted as stop:
            echo(printable_message(stop), err=True)
            ctx.exit(128 + stop.signal)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pan-keras")
@click.option("-v", "--verbose", is_flag=True, help="Show TensorFlow's own messages.")
def main(verbose: bool):
    """Turn a folder of videos into an action recogniser that runs on a phone."""
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


for command in COMMANDS:
    main.add_command(command)
