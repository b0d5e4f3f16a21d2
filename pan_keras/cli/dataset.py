"""`pan-keras dataset`: make, prepare, check, shard and join data sets."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from pan_keras.cli.dataset_prepare import prepare
from pan_keras.cli.dataset_shard import shard
from pan_keras.cli.engine import engine_options, inspection, opened_engine
from pan_keras.cli.options import fold_option, json_option, max_broken_option, root_option
from pan_keras.cli.output import echo
from pan_keras.cli.progress import interruptible, progress_bar


@click.group()
def dataset():
    """Make, prepare or check a data set, store it as shards, or join its clips."""


@dataset.group()
def make():
    """Make a data set that needs no download."""


@make.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--clips", default=1200, show_default=True, help="Number of clips, all splits.")
@click.option("--seed", default=0, show_default=True, help="Random seed.")
def motions(folder: Path, clips: int, seed: int):
    """Write eight motions of textured objects as mp4 files into FOLDER."""
    from pan_keras.data import make_motions

    with progress_bar() as progress:
        make_motions(folder, clips=clips, seed=seed, progress=progress)
    echo(f"{folder}: {clips} clips; train on them with: pan-keras train motions --root {folder}")


@dataset.command()
@click.argument("plan", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The mp4 file to write."
)
@click.option(
    "--rate",
    type=click.FloatRange(1, 240),
    default=30.0,
    show_default=True,
    help="Frames per second of the video.",
)
def join(plan: Path, output: Path, rate: float):
    """Join the clips of PLAN into a long video with ground truth, to measure timelines on.

    PLAN is a CSV file with the columns path and label; a clip with an empty label shows no action.
    """
    from pan_keras.data.joining import join_clips

    truth = join_clips(plan, output, rate)
    echo(f"{output} and {truth}; next: pan-keras evaluate RUN --timeline {truth}")


@dataset.command()
@click.argument("source")
@root_option
@max_broken_option
@fold_option
@click.option("--duplicates", is_flag=True, help="List all identical videos.")
@engine_options
@json_option
def check(
    source: str,
    root: Path | None,
    max_broken: float,
    fold: int | None,
    duplicates: bool,
    engine: str,
    address: str | None,
    as_json: bool,
):
    """Check every file of SOURCE: a data set's name, a card, a folder, shards or a CSV file.

    Counts classes, splits and sizes, lists broken, ignored and unusual files, and reports how much
    of the frames the crop removes. Files that were checked before and have not changed are not
    read again, also after an interruption. Shards are compared with their digests.
    """
    from pan_keras.config import load_config
    from pan_keras.data import open_data
    from pan_keras.data.roots import data_root
    from pan_keras.data.shards.manifest import read_manifest
    from pan_keras.video.picture_sizes import cut_away, cut_away_to_text

    with (
        progress_bar(silent=as_json) as show,
        interruptible(show) as progress,
        opened_engine(engine, address) as cluster,
    ):
        data = open_data(
            source,
            root,
            fold=fold,
            max_broken=max_broken,
            progress=progress,
            read=inspection(cluster),
        )
        if data.shards is not None:
            read_manifest(data_root(source)).check(progress)
    settings = dict(data.card.training) if data.card else {}
    model = load_config(settings.pop("config", "small"), settings).model
    cuts = cut_away(data.sizes, model.size, model.resize) if model.fit == "crop" else []
    report = data.report()
    report["crop"] = {
        "size": list(model.size),
        "resize": model.resize,
        "fit": model.fit,
        "cut_away": [asdict(cut) for cut in cuts],
    }
    cropping = (
        cut_away_to_text(cuts, model.size, model.resize)
        if cuts
        else f"nothing is cut away, as model.fit is {model.fit}"
    )
    text = f"{data.to_text()}\n{cropping}"
    if duplicates:
        groups = data.duplicates()
        report["duplicates"] = [
            [
                {"path": str(clip.path), "class": data.classes[clip.label], "split": clip.split}
                for clip in group
            ]
            for group in groups
        ]
        text += "".join(
            "\nthe same video: "
            + ", ".join(f"{c.path} ({c.split}, {data.classes[c.label]})" for c in group)
            for group in groups
        )
        text += "" if groups else "\nno two videos are identical"
    echo(json.dumps(report, indent=1) if as_json else text)


dataset.add_command(prepare)
dataset.add_command(shard)
