"""Ablation: trains networks without parts of PAN on the same clips."""

import csv
import io
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from pan_keras.data import ensure_motions
from pan_keras.errors import UserError
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.results import Evaluation, stored_evaluation
from pan_keras.files import replacing
from pan_keras.metrics import Interval, mean_interval
from pan_keras.runs.run import open_run
from pan_keras.training import is_run_of, resolve, resume, train


@dataclass(frozen=True)
class Variant:
    """A network of the comparison.

    Args:
        name: What the table calls it.
        model: Registry name.
        settings: `section.key=value` strings that take parts away or put them in.
    """

    name: str
    model: str
    settings: tuple[str, ...] = ()


AVERAGE = 'model.aggregation="average"'
VAP = 'model.aggregation="vap"'
VIP = 'model.aggregation="vip"'
NO_SHIFT = "model.shift=false"
CAUSAL = "model.causal=true"

# One part after the other: which cue the backbone sees, whether it shifts, how segments are joined.
PARTS = (
    Variant("RGB, average", "tsn_micro"),
    Variant("RGB, VAP", "tsn_micro", (VAP,)),
    Variant("PA, average", "pa_micro", (NO_SHIFT, AVERAGE)),
    Variant("RGB and PA, VAP", "pan_lite_micro", (NO_SHIFT,)),
    Variant("RGB, TSM, average", "tsm_micro"),
    Variant("RGB, TSM, VAP", "tsm_micro", (VAP,)),
    Variant("PA, TSM, average", "pa_micro", (AVERAGE,)),
    Variant("RGB and PA, TSM, average", "pan_lite_micro", (AVERAGE,)),
    Variant("RGB and PA, TSM, VIP", "pan_lite_micro", (VIP,)),
    Variant("RGB and PA, TSM, VAP (PAN_Lite)", "pan_lite_micro"),
)
# What the backbone is given to see.
CUES = (
    Variant("RGB, TSM, VAP", "tsm_micro", (VAP,)),
    Variant("PA, TSM, VAP", "pa_micro"),
    Variant("RGB and PA, TSM, VAP (PAN_Lite)", "pan_lite_micro"),
    Variant("RGB beside PA, TSM, VAP (PAN_Full)", "pan_full_micro"),
    Variant("RGB and PA, causal TSM, VAP (PAN_Lite, for streams)", "pan_lite_micro", (CAUSAL,)),
)
VARIANTS: Mapping[str, Sequence[Variant]] = {"parts": PARTS, "cues": CUES}


@dataclass(frozen=True)
class Row:
    """The result of a variant.

    Attributes:
        variant: The network.
        accuracies: Top-1 on the test clips, one figure a seed, as fractions.
    """

    variant: Variant
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.accuracies)

    @property
    def interval(self) -> Interval:
        """95 % interval of the mean over seeds, by Student's t; of one seed it is 0 to 1."""
        return mean_interval(self.accuracies)


@dataclass(frozen=True)
class Ablation:
    """A finished comparison.

    Attributes:
        data: Where the clips came from.
        rows: One per variant, in the order in which they were asked for.

    Example:
        >>> result = Ablation("motions", (Row(PARTS[0], (0.90, 0.92, 0.94)),))
        >>> print(result.to_csv().splitlines()[0])
        network,model,settings,top1,low,high,seeds
        >>> PARTS[0].name in result.to_markdown(), "0.92" in result.to_json()
        (True, True)
    """

    data: str
    rows: tuple[Row, ...]

    def to_csv(self) -> str:
        """The table for programs.

        Returns:
            CSV, one row per variant: name, model, settings, mean, interval, accuracy of every seed.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "model", "settings", "top1", "low", "high", "seeds"])
        for row in self.rows:
            low, high = row.interval
            figures = [f"{share:.4f}" for share in (row.mean, low, high)]
            seeds = " ".join(f"{share:.4f}" for share in row.accuracies)
            variant = row.variant
            settings = " ".join(variant.settings)
            writer.writerow([variant.name, variant.model, settings, *figures, seeds])
        return file.getvalue()

    def to_json(self) -> str:
        """The table for programs.

        Returns:
            One JSON object.
        """
        rows: list[dict[str, Any]] = [
            {
                "network": row.variant.name,
                "model": row.variant.model,
                "settings": row.variant.settings,
                "top1": row.mean,
                "interval": row.interval,
                "seeds": row.accuracies,
            }
            for row in self.rows
        ]
        return json.dumps({"data": self.data, "rows": rows})

    def to_markdown(self) -> str:
        """The table for a document.

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
    """Trains every variant with every seed and measures it on the test clips.

    A comparison that was stopped goes on where it was: what is finished is read, a run that is
    not is resumed.

    Args:
        data: Name of a card, a folder of class folders, or a CSV file.
        root: Folder of the videos that a card speaks of; for `motions` made if absent.
        variants: The networks.
        seeds: Seeds of the training, all different.
        clips: Clips of `motions`, all splits, where they are made.
        overrides: `section.key=value` strings for all variants.
        folder: Gets a run folder per variant and seed, `results.csv` and `results.md`.
        callbacks: Keras callbacks of each training.
        progress: Called with a line after each run.

    Returns:
        A row per variant.

    Raises:
        UserError: If the data or the settings are unusable, or no seed is given or one twice.

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
    overrides = tuple(overrides)
    rows = []
    for variant in variants:
        accuracies = []
        for seed in seeds:
            settings = (*overrides, *variant.settings, f"training.seed={seed}")
            run = folder / _folder_name(variant.name) / f"seed-{seed}"
            result = _measured(run, data, root, variant.model, settings, callbacks)
            accuracies.append(result.top1)
            if progress is not None:
                progress(f"{variant.name}, seed {seed}: top-1 {result.top1:.3f}")
        rows.append(Row(variant, tuple(accuracies)))
    finished = Ablation(data, tuple(rows))
    for name, content in {
        "results.csv": finished.to_csv(),
        "results.md": finished.to_markdown(),
    }.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return finished


def _measured(
    run: Path,
    data: str,
    root: Path | None,
    model: str,
    settings: Sequence[str],
    callbacks: Sequence[keras.callbacks.Callback],
) -> Evaluation:
    if (run / "config.toml").is_file():
        wanted = resolve(data, root=root, model=model, overrides=settings)
        if not is_run_of(open_run(run), wanted):
            raise UserError(f"{run}: made with other settings; name another folder, or remove it")
        found = stored_evaluation(open_run(run), "test")
        if found is not None:
            return found
        resume(run, callbacks=callbacks, quiet=True)
    else:
        train(
            data,
            root=root,
            model=model,
            overrides=settings,
            run=run,
            callbacks=callbacks,
            quiet=True,
        )
    return evaluate(run, split="test", progress=False)


def _folder_name(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
