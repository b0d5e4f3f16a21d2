"""`pan-keras bench peers`: the command line of `pan_keras.bench.peers`."""

import json
import signal
from pathlib import Path

import click

from pan_keras.cli.bench_output import say
from pan_keras.cli.output import echo


@click.command("peers")
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    help="Virtual environment with tf-models-official, for MoViNet.",
)
@click.option(
    "--install",
    is_flag=True,
    help="Create the environment and install tf-models-official there: minutes and 3 GB.",
)
@click.option("--method", "methods", multiple=True, help="Only this network; may be repeated.")
@click.option("--quick", is_flag=True, help="Few rounds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def peers(context: click.Context, as_json: bool, **options):
    """Compare streaming models with MoViNet-A0, -A1, -A2 and TSM: CPU time on one thread.

    Cases in which MoViNet is cheaper are listed first. MoViNet is exported once from --environment;
    pan-keras does not depend on it. Ctrl-C prints the results so far.
    """
    from pan_keras.bench.peers import measure_peers, to_text

    if options["install"] and options["environment"] is None:
        raise click.UsageError("--install needs --environment")
    results = measure_peers(progress=say, **options)
    echo(json.dumps(results.to_json()) if as_json else to_text(results))
    if results.work["interrupted"]:
        context.exit(128 + signal.SIGINT)
