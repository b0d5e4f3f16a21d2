"""Ablation: trains variants of a network on the same clips and compares their accuracy."""

import csv
import io
import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from pan_keras.clips.clip_shape import FIELDS
from pan_keras.config import Config
from pan_keras.data import ensure_motions, is_card, load_card
from pan_keras.errors import UserError
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.results import Evaluation, stored_evaluation
from pan_keras.evaluation.variants import PARTS, Variant
from pan_keras.files import replacing
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.metrics import Interval, mean_interval
from pan_keras.models.cost import Cost, cost
from pan_keras.runs.run import Run, open_run
from pan_keras.runs.run_data import open_run_data
from pan_keras.training import is_run_of, refuse_cluster, resolve, resume, shared_length, train


@dataclass(frozen=True)
class Row:
    """The result of a variant.

    Attributes:
        variant: The variant.
        accuracies: Top-1 accuracy on the test clips per seed, as fractions.
        cost: Cost of the network per view; None if unknown.
    """

    variant: Variant
    accuracies: tuple[float, ...]
    cost: Cost | None = None

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds."""
        return statistics.fmean(self.accuracies)

    @property
    def interval(self) -> Interval:
        """95 % interval of the mean over the seeds, by Student's t; 0 to 1 for a single seed."""
        return mean_interval(self.accuracies)

    @property
    def figures(self) -> dict[str, int | None]:
        """Parameters and multiply-accumulates (as the paper counts) of the network and of PA."""
        if self.cost is None:
            return dict.fromkeys(("parameters", "macs", "motion_parameters", "motion_macs"))
        motion = [
            each for each in self.cost.layers if each.kind == PersistenceOfAppearance.__name__
        ]
        return {
            "parameters": self.cost.parameters,
            "macs": self.cost.macs,
            "motion_parameters": sum(each.parameters for each in motion),
            "motion_macs": sum(each.macs for each in motion),
        }


@dataclass(frozen=True)
class Ablation:
    """The result of an ablation.

    Attributes:
        data: Where the clips came from.
        rows: One per variant, in the given order.

    Example:
        >>> result = Ablation("motions", (Row(PARTS[0], (0.90, 0.92, 0.94)),))
        >>> print(result.to_csv().splitlines()[0])
        network,model,settings,cue,method,top1,...,macs,motion_parameters,motion_macs
        >>> PARTS[0].name in result.to_markdown(), "0.92" in result.to_json()
        (True, True)
    """

    data: str
    rows: tuple[Row, ...]

    def to_csv(self) -> str:
        """The table as CSV.

        Returns:
            CSV, one row per variant: name, model, settings, cue, name in `pan-keras bench motion`,
            mean, interval, accuracy per seed, parameters and multiply-accumulates of the network
            and of PA.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        head = ["network", "model", "settings", "cue", "method", "top1", "low", "high", "seeds"]
        writer.writerow([*head, "parameters", "macs", "motion_parameters", "motion_macs"])
        for row in self.rows:
            low, high = row.interval
            shares = [f"{share:.4f}" for share in (row.mean, low, high)]
            seeds = " ".join(f"{share:.4f}" for share in row.accuracies)
            variant = row.variant
            named = [variant.name, variant.model, " ".join(variant.settings)]
            cue = [variant.cue, variant.method]
            writer.writerow([*named, *cue, *shares, seeds, *row.figures.values()])
        return file.getvalue()

    def to_json(self) -> str:
        """The table as JSON.

        Returns:
            One JSON object.
        """
        rows: list[dict[str, Any]] = [
            {
                "network": row.variant.name,
                "model": row.variant.model,
                "settings": row.variant.settings,
                "cue": row.variant.cue,
                "method": row.variant.method,
                "top1": row.mean,
                "interval": row.interval,
                "seeds": row.accuracies,
                **row.figures,
            }
            for row in self.rows
        ]
        return json.dumps({"data": self.data, "rows": rows})

    def to_markdown(self) -> str:
        """The table as Markdown.

        Returns:
            Markdown.
        """
        lines = ["| Network | Top-1 | 95 % interval | Seeds |", "|---|---|---|---|"]
        for row in self.rows:
            low, high = row.interval
            lines.append(
                f"| {row.variant.name} | {row.mean:.3f} | {low:.3f} to {high:.3f} "
                f"| {', '.join(f'{share:.3f}' for share in row.accuracies)} |"
            )
        return "\n".join(lines) + "\n"


def ablate(
    data: str = "motions",
    *,
    root: Path | None = None,
    variants: Sequence[Variant] = PARTS,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    clips: int = 900,
    overrides: Iterable[str] = (),
    folder: Path = Path("runs/ablation"),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: Callable[[str], None] | None = None,
) -> Ablation:
    """Trains each variant with each seed and measures it on the test clips.

    All networks are trained equally long: as long as the one that the recipe trains longest. An
    interrupted ablation continues where it stopped, in a folder that was moved too: finished runs
    are read, and an unfinished one is resumed.

    Args:
        data: Name of a card, a folder of class folders, or a CSV file.
        root: Folder of the videos of a card; for `motions`, made if absent.
        variants: The networks to train.
        seeds: Training seeds, all different.
        clips: Number of `motions` clips over all splits, if they are generated.
        overrides: `section.key=value` strings for all variants.
        folder: Output: a run folder per variant and seed, `results.csv`, `results.json`,
            `results.md` and, for networks that take motion fields, the fields, computed once.
        callbacks: Keras callbacks for each training.
        progress: Called with a line after each run.

    Returns:
        A row per variant.

    Raises:
        UserError: If the data or the settings are unusable, or the seeds are none or not distinct.

    Example:
        >>> settings = ["training.epochs=1"]
        >>> ablate("videos", variants=PARTS[:1], seeds=(1,), overrides=settings).rows[0].mean
        0.125
    """
    if not 1 <= len(set(seeds)) == len(seeds):
        raise UserError(f"seeds: {list(seeds)}; give one or more, all different")
    if data == "motions":
        root = root if root is not None else folder / "motions"
        ensure_motions(root, clips=clips)
    fields = json.dumps(str((folder / "fields").resolve()), ensure_ascii=False)
    overrides = tuple(overrides)
    overrides += shared_length(
        [
            resolve(
                data,
                root=root,
                model=each.model,
                config=_recipe(data),
                overrides=(*overrides, *each.overrides),
            )
            for each in variants
        ]
    )
    rows = []
    for variant in variants:
        accuracies = []
        for seed in seeds:
            settings = (*overrides, *variant.overrides, f"training.seed={seed}")
            if variant.cue in FIELDS:
                settings = (f"data.cue_folder={fields}", *settings)
            run = folder / _folder_name(variant.name) / f"seed-{seed}"
            result = _measured(run, data, root, variant.model, settings, callbacks)
            accuracies.append(result.top1)
            if progress is not None:
                progress(f"{variant.name}, seed {seed}: top-1 {result.top1:.3f}")
        rows.append(Row(variant, tuple(accuracies), cost(open_run(run).load_model())))
    finished = Ablation(data, tuple(rows))
    for name, content in {
        "results.csv": finished.to_csv(),
        "results.json": finished.to_json() + "\n",
        "results.md": finished.to_markdown(),
    }.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return finished


def _recipe(data: str) -> str | None:
    """The recipe of all variants, whatever could be chosen for each; None for that of the card."""
    return None if is_card(data) and load_card(data).training else "small"


def _measured(
    run: Path,
    data: str,
    root: Path | None,
    model: str,
    settings: Sequence[str],
    callbacks: Sequence[keras.callbacks.Callback],
) -> Evaluation:
    refuse_cluster("an ablation")
    recipe = _recipe(data)
    if not (run / "config.toml").is_file():
        train(
            data,
            root=root,
            model=model,
            config=recipe,
            overrides=settings,
            run=run,
            callbacks=callbacks,
            quiet=True,
        )
        return evaluate(run, split="test", progress=False)
    wanted = resolve(data, root=root, model=model, config=recipe, overrides=settings)
    found = stored_evaluation(_here(open_run(run), wanted), "test")
    if found is not None:
        return found
    place = Path(wanted.data.root) if wanted.data.root else None
    resume(run, root=place, callbacks=callbacks, quiet=True)
    return evaluate(run, split="test", root=place, progress=False)


def _here(run: Run, wanted: Config) -> Run:
    """The run, made with a configuration; if it was moved, it learns where clips and fields are.

    Raises:
        UserError: If it was made with another configuration, or on other clips.
    """
    if is_run_of(run, wanted):
        return run
    before, now = run.config.data, wanted.data
    elsewhere = replace(now, root=before.root, cue_folder=before.cue_folder)
    if not is_run_of(run, replace(wanted, data=elsewhere)) or (
        before.root != now.root and open_run_data(run, root=now.root).changes.phrases()
    ):
        raise UserError(f"{run.path}: made with other settings; name another folder, or remove it")
    moved = replace(before, root=now.root, cue_folder=now.cue_folder)
    run.write("config.toml", replace(run.config, data=moved).to_toml())
    return open_run(run.path)


def _folder_name(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
