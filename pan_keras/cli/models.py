"""`pan-keras models`: the command line of `pan_keras.bench.model_table.model_table`."""

import json

import click
from click.core import ParameterSource

from pan_keras.cli.options import COUNT, json_option_for, segments_option, size_option
from pan_keras.cli.output import TensorFlowCommand, echo
from pan_keras.errors import UserError


@click.command(cls=TensorFlowCommand)
@click.argument("pattern", required=False)
@click.option("--cost", is_flag=True, help="Add the cost of inference, memory and kinds of layers.")
@click.option("--paper", is_flag=True, help="Compare with the figures in the paper.")
@size_option
@segments_option
@click.option(
    "--stack", default=4, type=COUNT, show_default=True, help="Adjacent frames per segment, m."
)
@click.option("--classes", default=174, type=COUNT, show_default=True, help="Number of classes.")
@json_option_for("one JSON list")
@click.pass_context
def models(
    context: click.Context, pattern: str | None, cost: bool, paper: bool, as_json: bool, **clip: int
):
    """List models by name, all or those that match PATTERN, such as 'pan_lite_*'.

    Multiply-accumulates (MAC) are those of one clip, counted as the paper counts its FLOPs; the
    defaults are those of its Table V, Something-Something.
    """
    others = [name for name in ("pattern", "cost", *clip) if was_given(context, name)]
    if paper and others:
        raise UserError(f"--paper prints a fixed table; remove {', '.join(others)}")
    # TensorFlow takes seconds to import.
    from pan_keras.bench import model_table, paper_costs

    if paper:
        figures = paper_costs.paper_costs()
        text, records = paper_costs.to_text(figures), [figure.to_json() for figure in figures]
    else:
        rows = model_table.model_table(pattern, **clip)
        text, records = model_table.to_text(rows, cost), [row.to_json(cost) for row in rows]
    echo(json.dumps(records, indent=1) if as_json else text)


def was_given(context: click.Context, name: str) -> bool:
    """Tells whether a parameter was given on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
