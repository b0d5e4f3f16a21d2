"""`pan-keras explain`: the command line of `pan_keras.evaluation.explain.explain`."""

from pathlib import Path

import click

from pan_keras.cli.output import echo
from pan_keras.cli.quiet import TensorFlowCommand


@click.command(cls=TensorFlowCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Picture to write, PNG.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def explain(run, video, output, as_json):
    """Show what RUN looks at in VIDEO: timescale weights, PA, evidence of each segment."""
    from pan_keras.evaluation.explain import explain  # TensorFlow takes seconds to import
    from pan_keras.look.explanation_figure import write_explanation

    explanation = explain(run, video)
    if output is not None:
        write_explanation(explanation, output)
    echo(explanation.to_json() if as_json else explanation.to_text())
