"""`pan-keras demo`: the command line of `pan_keras.demo.demo`."""

import json
from pathlib import Path

import click

from pan_keras.cli.options import json_option, overrides_option
from pan_keras.cli.output import TensorFlowCommand, echo


@click.command(cls=TensorFlowCommand)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    default=Path("runs/demo"),
    show_default=True,
    help="Run folder to write; an interrupted demonstration resumes.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Folder of the data set; made if absent, data/motions by default.",
)
@overrides_option
@click.option("--recipe", help="Export recipe: a shipped one or a TOML file.")
@json_option
def demo(
    run: Path, root: Path | None, overrides: tuple[str, ...], recipe: str | None, as_json: bool
):
    """Make videos, train PAN_Lite on them, test it on unseen clips, export and report."""
    from pan_keras.demo import demo as show  # TensorFlow takes seconds to import

    summary = show(run, root=root, overrides=overrides, recipe=recipe, quiet=as_json)
    if as_json:
        echo(json.dumps(summary))
        return
    low, high = summary["test_interval"]
    echo(
        f"PAN_Lite: {summary['test_top1']:.3f} of {summary['clips']} test clips "
        f"(95 % interval {low:.3f} to {high:.3f})"
    )
    echo(f"the same network on still frames: {summary['baseline_top1']:.3f}")
    for name, top1 in summary["models"].items():
        echo(f"{summary['bundle']}/{name}: {top1:.3f}")
    echo(f"{summary['minutes']:.1f} minutes; report: {summary['report']}")
