"""`pan-keras ablation`: the command line of `pan_keras.evaluation.ablation`."""

from pathlib import Path

import click

from pan_keras.cli.options import COUNT, json_option, root_option
from pan_keras.cli.output import TensorFlowCommand, echo, tell

QUICK = {"seeds": 1, "clips": 96, "epochs": 1}


@click.command(cls=TensorFlowCommand)
@click.argument("data", default="motions")
@root_option
@click.option(
    "--networks",
    type=click.Choice(["parts", "cues", "motion", "encodings", "depths"]),
    default="parts",
    show_default=True,
    help="parts: PAN without each of its parts; cues: RGB, PA, both, and the causal network; "
    "motion: one network on RGB, differences, PA, the codec's vectors and optical flow (Table II); "
    "encodings: of PA (Table I); depths: of PA (Fig. 2-B).",
)
@click.option(
    "--without",
    multiple=True,
    metavar="CUE",
    help="Leave out the networks on a cue, such as tvl1, which is slow, or vectors, which not "
    "every codec has; may be repeated.",
)
@click.option("--backbone", default="micro", show_default=True, help="Backbone of all networks.")
@click.option("--seeds", type=COUNT, default=5, show_default=True, help="Runs per network.")
@click.option(
    "--clips",
    type=click.IntRange(48),
    default=900,
    show_default=True,
    help="Clips of the embedded data set motions.",
)
@click.option("--epochs", type=COUNT, help="Epochs per run; by default the card's.")
@click.option(
    "--run", default=Path("runs/ablation"), type=click.Path(path_type=Path), help="Folder."
)
@click.option("--quick", is_flag=True, help="One seed, one epoch, 96 clips: a smoke test.")
@json_option
def ablation(
    data: str,
    root: Path | None,
    networks: str,
    without: tuple[str, ...],
    backbone: str,
    seeds: int,
    clips: int,
    epochs: int | None,
    run: Path,
    quick: bool,
    as_json: bool,
):
    """Train variants of a network on DATA and compare them on test clips."""
    from pan_keras.evaluation import ablation as experiment
    from pan_keras.evaluation.variants import choose
    from pan_keras.reports.result_figures import write_ablation_figure
    from pan_keras.reports.training_pictures import TrainingPictures

    if quick:
        seeds, clips, epochs = QUICK["seeds"], QUICK["clips"], QUICK["epochs"]
    result = experiment.ablate(
        data,
        root=root,
        variants=choose(networks, backbone, without),
        seeds=range(1, seeds + 1),
        clips=clips,
        overrides=[] if epochs is None else [f"training.epochs={epochs}"],
        folder=run,
        callbacks=[TrainingPictures()],
        progress=tell,
    )
    write_ablation_figure(result.rows, run / "results.png", circles=networks == "depths")
    echo(result.to_json() if as_json else result.to_markdown())
