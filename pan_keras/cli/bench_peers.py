"""`pan-keras bench peers`: the command line of `pan_keras.bench.peers`."""

from pathlib import Path

import click

from pan_keras.cli.bench_output import show
from pan_keras.cli.options import json_option
from pan_keras.cli.output import tell


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
@json_option
@click.pass_context
def peers(context: click.Context, as_json: bool, **options):
    """Compare streaming models with MoViNet-A0, -A1, -A2 and TSM: CPU time on one thread.

    Cases in which MoViNet is cheaper are listed first. MoViNet is exported once from --environment;
    pan-keras does not depend on it. Ctrl-C and SIGTERM print the results so far.
    """
    from pan_keras.bench.peers import measure_peers, to_text

    if options["install"] and options["environment"] is None:
        raise click.UsageError("--install needs --environment")
    results = measure_peers(progress=tell, **options)
    show(context, results, as_json, to_text(results))
