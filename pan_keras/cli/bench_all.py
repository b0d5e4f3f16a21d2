"""`pan-keras bench all`: the command line of `pan_keras.bench.suite`."""

from pathlib import Path

import click

from pan_keras.cli.bench_output import exit_as_interrupted
from pan_keras.cli.options import threads_option
from pan_keras.cli.output import echo, tell


@click.command("all")
@click.option(
    "--report",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the CSV, JSON and Markdown files and the HTML page.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only this benchmark, such as motion; may be repeated.",
)
@click.option(
    "--accuracy",
    type=click.Path(path_type=Path, exists=True),
    help="Results of pan-keras ablation --networks motion, for the accuracy of each motion cue.",
)
@threads_option
@click.option("--quick", is_flag=True, help="Fewer cases and rounds.")
@click.pass_context
def bench_all(
    context: click.Context,
    folder: Path,
    only: tuple[str, ...],
    accuracy: Path | None,
    threads: int,
    quick: bool,
):
    """Run all benchmarks and write their tables: CSV, JSON, Markdown and a page with charts.

    The Markdown tables have the layout of the paper's Tables I and II, with the paper's numbers
    beside those measured. Ctrl-C and SIGTERM write the results so far.
    """
    from pan_keras.bench.paper_tables import read_accuracies
    from pan_keras.bench.suite import chosen_benchmarks, measure_all, write_results
    from pan_keras.files import make_folder
    from pan_keras.reports.benchmark_page import write_benchmarks

    accuracies = read_accuracies(accuracy) if accuracy else {}
    names = chosen_benchmarks(only)
    make_folder(folder)
    found = measure_all(names, threads=threads, quick=quick, progress=tell)
    # Printed first, so that a full disk does not lose what took minutes to measure.
    for results in found.values():
        echo(results.to_text())
    table = write_results(found, folder, accuracies)
    write_benchmarks(found, folder / "index.html", accuracies)
    echo(f"{table}\n{folder / 'index.html'}")
    if len(found) < len(names) or any(results.work["interrupted"] for results in found.values()):
        exit_as_interrupted(context)
