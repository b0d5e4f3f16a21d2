"""A comparison as a self-contained HTML page."""

from pathlib import Path

from pan_keras.drawing import figures
from pan_keras.drawing.panels import png
from pan_keras.errors import UserError
from pan_keras.evaluation.comparison import Comparison
from pan_keras.files import replacing
from pan_keras.reports.html import Html, columns, element, page, section, table
from pan_keras.reports.result_figures import classes_figure, comparison_figure, cost_figure


def check_page(output: Path | str) -> None:
    """Raises `UserError` if `write_comparison` does not support the file's suffix."""
    if Path(output).suffix.lower() not in (".html", ".png"):
        raise UserError(f"{output}: name a file that ends in .html or .png")


def write_comparison(comparison: Comparison, output: Path | str) -> None:
    """Writes a comparison as a self-contained page, or only its figures.

    Args:
        comparison: The result of `compare`.
        output: A file that ends in `.html` or `.png`.

    Raises:
        UserError: If it ends otherwise, or the disk is full.

    Example:
        >>> from pan_keras.evaluation import compare
        >>> write_comparison(compare(["runs/demo", "runs/demo/baseline"]), "comparison.html")
    """
    check_page(output)
    output = Path(output)
    if output.suffix.lower() == ".html":
        content = page("Comparison of runs", _sections(comparison)).encode()
    else:
        content = png(figures.pixels(comparison_figure(comparison), dots_per_inch=100))
    with replacing(output) as temporary:
        temporary.write_bytes(content)


def _sections(comparison: Comparison) -> list[Html]:
    facts = [
        f"{comparison.clips} clips of {comparison.split}, the same for all runs",
        f"{comparison.left_out} left out",
        f"{comparison.views} views per clip" if comparison.views > 1 else "one view per clip",
    ]
    header = element("header", element("h1", "Comparison of runs"), element("p", " · ".join(facts)))
    return [header, _runs(comparison), _differences(comparison), _classes(comparison)]


def _runs(comparison: Comparison) -> Html:
    rows = [
        (
            run.name,
            run.model,
            f"{run.top1:.1%}",
            f"{run.interval.low:.1%} to {run.interval.high:.1%}",
            f"{run.parameters / 1e6:.3f}",
            f"{run.macs / 1e9:.3f}",
            f"{run.needed_macs / 1e9:.3f}",
        )
        for run in comparison.runs
    ]
    header = ["run", "model", "top-1", "95 % interval", "M parameters", "G MACs", "needed"]
    note = (
        "MACs: multiply-accumulates per view as the paper counts them; needed: after folding batch "
        "norms and computing PA from differences of frames."
    )
    return section("Accuracy and cost", note, table(header, rows, texts=2))


def _differences(comparison: Comparison) -> Html:
    several = len(comparison.pairs) > 1
    rows = [
        (
            pair.first,
            pair.second,
            str(pair.only_first),
            str(pair.only_second),
            f"{pair.p:.2g}",
            *([f"{pair.p_adjusted:.2g}"] if several else []),
        )
        for pair in comparison.pairs
    ]
    header = ["first", "second", "only first right", "only second right", "p"]
    note = "Two-sided p-value of McNemar's exact test."
    if several:
        header.append("p adjusted")
        note += f" Adjusted for {len(comparison.pairs)} pairs by Holm's method."
    drawing = Html(figures.svg(cost_figure(comparison), "accuracy over cost"))
    return section("Differences", note, columns(table(header, rows, texts=2), drawing))


def _classes(comparison: Comparison) -> Html:
    rows = [
        (each.name, str(each.clips), *(f"{share:.1%}" for share in each.accuracies))
        for each in comparison.classes
    ]
    header = ["class", "clips", *(run.name for run in comparison.runs)]
    note = "The classes that differ most come first, as in Fig. 5 of the paper."
    drawing = Html(figures.svg(classes_figure(comparison), "accuracy by class"))
    return section("Classes", note, columns(table(header, rows), drawing))
