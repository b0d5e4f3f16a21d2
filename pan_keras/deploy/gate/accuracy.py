"""Accuracy of exported models on a whole split, compared with the Keras model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pan_keras.clips import ClipShape
from pan_keras.clips.crops import framing
from pan_keras.data import Clip
from pan_keras.deploy.recipe import Limits
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, evaluation_dataset, reporting
from pan_keras.metrics.paired import DOUBT, PairedLoss, binomial_tail
from pan_keras.metrics.scores import score

Classify = Callable[[np.ndarray], np.ndarray]

BATCH = 8


def split_logits(
    models: Mapping[str, Classify], shape: ClipShape, clips: Sequence[Clip]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Runs every model over clips and decodes each video once.

    Args:
        models: Functions by name, from clips `(b, N, m, H, W, 3)` to logits `(b, classes)`.
        shape: Shape of the models' clips.
        clips: The clips.

    Returns:
        Logits `(clips, classes)` by name, and the true classes `(clips,)`.

    Raises:
        UserError: If no clip can be read.
    """
    store = FrameStore(framing(shape))
    logits: dict[str, list[np.ndarray]] = {name: [] for name in models}
    places = []
    with reporting(store):
        data = evaluation_dataset(clips, shape, batch=BATCH, store=store)
        for frames, index in data.as_numpy_iterator():
            places.append(index)
            for name, classify in models.items():
                logits[name].append(classify(frames))
    if not places:
        raise UserError(
            f"{clips[0].path}: neither this clip nor any other of the split can be read; "
            "check the data"
        )
    truth = np.array([clips[place].label for place in np.concatenate(places)])
    return {name: np.concatenate(rows) for name, rows in logits.items()}, truth


def accuracy_record(
    logits: np.ndarray, truth: np.ndarray, labels: Sequence[str], *, data: str, split: str
) -> dict[str, Any]:
    """Computes the accuracy of a model, in the form of `model.json`.

    Args:
        logits: `(clips, classes)`.
        truth: True classes `(clips,)`.
        labels: Class names in the order of the logits.
        data: Origin of the clips.
        split: Split of the data.
    """
    scores = score(logits, truth, labels)
    return {
        "data": data,
        "split": split,
        "clips": len(truth),
        "top1": scores.top1,
        "top5": scores.top5,
        "mean_class": scores.mean_class,
        "per_class": {row.name: row.recall for row in scores.per_class if row.clips},
    }


def comparison_record(
    found: np.ndarray,
    expected: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    exact: float | None = None,
) -> dict[str, Any]:
    """Compares an exported model with the Keras model, in the form of `model.json`.

    Args:
        found: Logits `(clips, classes)` of the exported model.
        expected: The same of the Keras model.
        truth: True classes `(clips,)`.
        labels: Class names in the order of the logits.
        exact: For float32, which must give every clip the same class: the largest difference of a
            logit measured on other clips. If the Keras model's two largest logits are closer than
            twice that, rounding decides; such clips are exempt and counted.
    """
    before, after = score(expected, truth, labels), score(found, truth, labels)
    recalls = {row.name: row.recall for row in after.per_class}
    one, other = expected.argmax(-1), found.argmax(-1)
    difference = float(np.abs(expected.astype("float64") - found).max())
    near = _margins(expected) < 2 * (exact or 0)
    loss = PairedLoss.of((one == truth)[~near], (other == truth)[~near])
    record: dict[str, Any] = {
        "drop": {
            "top1": round(100 * (before.top1 - after.top1), 6),
            "per_class": {
                row.name: round(100 * (row.recall - recalls[row.name]), 6)
                for row in before.per_class
                if row.clips
            },
        },
        "agreement": float((one == other).mean()),
        "difference": difference,
        "paired": loss.to_json(),
    }
    if exact is not None:
        changed = int((near & (one != other)).sum())
        ties = {"margin": 2 * exact, "clips": int(near.sum()), "changed": changed}
        record["near_ties"] = ties
    return record


def accuracy_problem(record: Mapping[str, Any], limits: Limits) -> str | None:
    """Describes a significant violation of the limits as part of a sentence; None if there is none.

    Args:
        record: `accuracy_record` and `comparison_record` merged.
        limits: Limits of the precision.
    """
    split, difference = record["split"], record["difference"]
    # Negated so that NaN is a problem.
    if not difference <= limits.difference:
        return f"a logit on {split} is off by {difference:.2g}, more than {limits.difference:.2g}"
    if _loss(record).beyond(limits.drop):
        return _drop(record, limits)
    if _agreement_is_beyond(record, limits):
        return _agreement(record, limits)
    return None


def accuracy_doubt(record: Mapping[str, Any], limits: Limits) -> str | None:
    """Describes violations of the limits that may be due to chance, as sentences; None if none.

    Takes the arguments of `accuracy_problem`, after that found no problem.
    """
    clips, loss = record["clips"], _loss(record)
    sentences = []
    if loss.points > limits.drop:
        low, high = loss.interval
        lost = "1 clip" if loss.lost == 1 else f"{loss.lost} clips"
        sentences.append(
            f"{_drop(record, limits)}; however, {lost} lost and {loss.gained} gained of "
            f"{clips} may be chance ({low:.1f} to {high:.1f} points lost, 95 % to either side). "
            "More clips would decide"
        )
    if "near_ties" not in record and record["agreement"] < limits.agreement:
        sentences.append(
            f"{_agreement(record, limits)}; however, with {clips} clips that may be chance. More "
            "clips would decide"
        )
    return ". ".join(sentences) or None


def _loss(record: Mapping[str, Any]) -> PairedLoss:
    paired = record["paired"]
    return PairedLoss(paired["clips"], paired["lost"], paired["gained"])


def _drop(record: Mapping[str, Any], limits: Limits) -> str:
    return (
        f"its top-1 accuracy on {record['split']} is {record['top1']:.1%}, "
        f"{record['drop']['top1']:.1f} points below the Keras model's, more than {limits.drop:g}"
    )


def _agreement(record: Mapping[str, Any], limits: Limits) -> str:
    return (
        f"{record['agreement']:.2%} of {record['split']} keep their most probable class, less "
        f"than {limits.agreement:.1%}"
    )


def _agreement_is_beyond(record: Mapping[str, Any], limits: Limits) -> bool:
    clips = record["clips"]
    kept = round(record["agreement"] * clips)
    if "near_ties" in record:
        # Float32 must keep the class of every clip; a significance test would hide single clips.
        return (kept + record["near_ties"]["changed"]) / clips < limits.agreement
    return binomial_tail(kept, clips, limits.agreement) < DOUBT


def _margins(logits: np.ndarray) -> np.ndarray:
    """Computes the margin between the two largest logits of each clip."""
    if logits.shape[-1] < 2:
        return np.full(len(logits), np.inf)
    ordered = np.sort(logits.astype("float64"), axis=-1)
    return ordered[:, -1] - ordered[:, -2]
