"""`pan-keras explain`: the command line of `pan_keras.reports.explain`."""

from pathlib import Path

import click

from pan_keras.cli.options import format_option, json_option, precision_option
from pan_keras.cli.output import echo, import_tensorflow


@click.command
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Picture to write, PNG.",
)
@precision_option
@format_option
@json_option
def explain(
    run: Path,
    video: Path,
    output: Path | None,
    precision: str | None,
    file_format: str | None,
    as_json: bool,
) -> None:
    """Show what RUN looks at in VIDEO: timescale weights, PA, evidence of each segment.

    RUN is a run folder, or an exported bundle, of which only the answer and the frames are shown.
    """
    import_tensorflow(click.get_current_context(), [run])
    from pan_keras.reports import explain

    if output is not None:
        from pan_keras.reports.explanation_figure import check_picture, write_explanation

        check_picture(output, video)
    explanation = explain(run, video, precision=precision, file_format=file_format)
    if output is not None:
        write_explanation(explanation, output)
    echo(explanation.to_json() if as_json else explanation.to_text())
