"""Combines separately trained runs into one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from pan_keras.config.config import Config
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.models import FusedNetwork, PANEnsemble, PANetwork, PANFull, PANLite, RGBNetwork
from pan_keras.models.pan_ensemble import WEIGHTS
from pan_keras.runs.data_changes import named
from pan_keras.runs.run import Run, open_run
from pan_keras.runs.versions import versions

KINDS: dict[str, type[keras.Model]] = {
    "lite": PANLite,
    "full": PANFull,
    "rgb": RGBNetwork,
    "pa": PANetwork,
}
SETS = (("rgb", "pa"), ("lite", "full"), ("lite", "rgb", "pa"))
COPIED = ("labels.txt", "preprocessing.json", "data_report.json", "card.toml")
RECORD = "combined.json"


def combine(
    runs: Sequence[Path | str],
    output: Path | str,
    *,
    weights: str | Sequence[float] = "paper",
    fuse: str = "logits",
) -> Run:
    """Creates a run whose model averages the scores of other runs, as the authors do.

    An RGB and a PA network become PAN_Full; PAN_Lite with these two, or with a PAN_Full, becomes
    PAN_En. The new folder can be used like any run, except that its training cannot be resumed.

    Args:
        runs: Two or three run folders, in any order.
        output: Folder to create.
        weights: `"paper"`: 1/2 each in PAN_Full, 1/2 for Lite and 1/4 for RGB and PA in PAN_En.
            `"reference"`: equal weights. Or one number per run, in the order of `runs`.
        fuse: Average `"logits"` or `"probabilities"`; see `pan_keras.layers.ScoreFusion`.

    Returns:
        The new run.

    Raises:
        UserError: If the runs do not form such a network, were trained on different data or clip
            shapes, the weights do not fit, or `output` exists.

    Example:
        >>> combine(["runs/rgb", "runs/pa"], "runs/full").load_model().name
        'pan_full'
    """
    output = Path(output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output}: exists; name another folder")
    opened = [open_run(path) for path in runs]
    for other in opened[1:]:
        _check_alike(opened[0], other)
    networks = [run.load_model() for run in opened]
    kinds = [_kind(run, network) for run, network in zip(opened, networks, strict=True)]
    _check_set(kinds)
    parts = dict(zip(kinds, networks, strict=True))
    shares = _shares(kinds, weights)
    try:
        model = _fused(parts, shares, fuse)
    except ValueError as error:
        raise UserError(f"{output}: cannot be combined; {error}") from error
    pairs = list(zip(opened, kinds, strict=True))
    record = {
        "network": model.name,
        "fuse": fuse,
        "parts": [
            {"run": str(run.path), "network": kind, "weight": shares[kind]} for run, kind in pairs
        ],
    }
    return _write(output, opened, model, record)


def _check_alike(first: Run, other: Run) -> None:
    """Raises UserError if two runs differ in preprocessing, labels, data or split."""

    def differ(what: str, advice: str) -> UserError:
        return UserError(f"{other.path}: its {what} differs from that of {first.path}; {advice}")

    if other.labels != first.labels:
        raise differ("labels.txt", "combine runs with the same classes in the same order")
    mine, theirs = first.preprocessing, other.preprocessing
    wrong = [key for key in mine if theirs.get(key) != mine[key]]
    if wrong:
        advice = f"train both with the same {', '.join(wrong)}"
        raise differ(f"preprocessing.json ({', '.join(wrong)})", advice)
    # Otherwise one is tested on clips that the other was trained on.
    advice = "train both on the same data with the same split"
    if first.identity is not None and other.identity is not None:
        differing = first.identity.differing(other.identity)
        if differing:
            raise differ("data or split", f"{named(differing)} differ; {advice}")
        return
    data = (first.config.data, other.config.data)
    if any(
        getattr(data[0], key) != getattr(data[1], key) for key in ("source", "split_seed", "fold")
    ):
        raise differ("data or split", advice)


def _kind(run: Run, network: keras.Model) -> str:
    for kind, network_class in KINDS.items():
        if isinstance(network, network_class):
            return kind
    raise UserError(
        f"{run.path}: holds {type(network).__name__}; give runs of "
        f"{', '.join(one.__name__ for one in KINDS.values())}"
    )


def _check_set(kinds: Sequence[str]) -> None:
    if sorted(kinds) not in [sorted(one) for one in SETS]:
        known = "; ".join(" and ".join(KINDS[kind].__name__ for kind in one) for one in SETS)
        given = ", ".join(KINDS[kind].__name__ for kind in kinds)
        raise UserError(f"{given}: do not form a network of the paper; give {known}")


def _shares(kinds: Sequence[str], weights: str | Sequence[float]) -> dict[str, float]:
    """The weight of each network; they sum to 1."""
    if not isinstance(weights, str):
        if len(weights) != len(kinds):
            raise UserError(
                f"{len(weights)} weights for {len(kinds)} runs; give one weight per run"
            )
        if not min(weights) > 0:
            raise UserError(f"weights {list(weights)}: they must all be above 0")
        return {kind: weight / sum(weights) for kind, weight in zip(kinds, weights, strict=True)}
    if weights not in WEIGHTS:
        raise UserError(f"weights {weights}: give one of {', '.join(WEIGHTS)}, or numbers")
    if "lite" not in kinds:
        return {"rgb": 1 / 2, "pa": 1 / 2}
    lite, full = WEIGHTS[weights]
    return {"lite": lite, "full": full, "rgb": full / 2, "pa": full / 2}


def _fused(parts: dict[str, keras.Model], shares: dict[str, float], fuse: str) -> FusedNetwork:
    if "rgb" in parts:
        inner = (shares["rgb"], shares["pa"])
        full = PANFull(rgb=parts["rgb"], pa=parts["pa"], weights=inner, fuse=fuse, name="pan_full")
        outer = sum(inner)
    else:
        full, outer = parts["full"], shares["full"]
    if "lite" not in parts:
        return full
    return PANEnsemble(
        lite=parts["lite"], full=full, weights=(shares["lite"], outer), fuse=fuse, name="pan_en"
    )


def _config(runs: Sequence[Run], model: keras.Model) -> Config:
    """The configuration of the first run, with the name of the combined network."""
    names = [run.config.model.name.rpartition("_")[2] for run in runs]
    backbones = "+".join(dict.fromkeys(names))
    first = runs[0].config
    # Each network has its own cue.
    data = replace(first.data, cue=None)
    return replace(first, data=data, model=replace(first.model, name=f"{model.name}_{backbones}"))


def _write(output: Path, runs: Sequence[Run], model: keras.Model, record: dict[str, Any]) -> Run:
    """Writes the files of a run; `config.toml` is last, since it marks the folder as a run."""
    made = Run(output)
    for name in COPIED:
        file = runs[0].path / name
        if file.is_file():
            made.write(name, file.read_text(encoding="utf-8"))
    if runs[0].identity is not None:
        made.write_identity(runs[0].identity)
    made.write("versions.json", versions())
    made.write(RECORD, record)
    with replacing(made.path / "model.keras") as temporary:
        model.save(temporary)
    made.write("config.toml", _config(runs, model).to_toml())
    return made
