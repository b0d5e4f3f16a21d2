"""Accuracy of all exported models on a whole split, beside the Keras model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pan_keras.data import SPLITS, Clip, FrameStore, VideoData, evaluation_dataset, reporting
from pan_keras.deploy.source import Source
from pan_keras.errors import UserError
from pan_keras.evaluation.scores import score

Classify = Callable[[np.ndarray], np.ndarray]

BATCH = 8


def split_logits(
    models: Mapping[str, Classify], source: Source, videos: VideoData, split: str
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Runs every model over every clip of a split; each video is decoded once.

    Args:
        models: By name, from clips `(b, N, m, H, W, 3)` to logits `(b, classes)`.
        source: What is exported.
        videos: The data of its run.
        split: `train`, `val`, `test` or `all`.

    Returns:
        Logits `(clips, classes)` by name, and the true classes `(clips,)`.

    Raises:
        UserError: If no clip of the split can be read, or it has classes that the model lacks.
    """
    clips = _labelled(source, videos, split)
    store = FrameStore(resize=source.shape.resize, cache="none")
    logits: dict[str, list[np.ndarray]] = {name: [] for name in models}
    places = []
    with reporting(store):
        data = evaluation_dataset(clips, source.shape, batch=BATCH, store=store)
        for frames, index in data.as_numpy_iterator():
            places.append(index)
            for name, classify in models.items():
                logits[name].append(classify(frames))
    if not places:
        raise UserError(f"{videos.source}: no clip of {split} could be read")
    truth = np.array([clips[place].label for place in np.concatenate(places)])
    return {name: np.concatenate(rows) for name, rows in logits.items()}, truth


def accuracy_record(
    logits: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    *,
    data: str,
    split: str,
    reference: np.ndarray | None = None,
) -> dict[str, Any]:
    """The accuracy of a model as `model.json` has it.

    Args:
        logits: `(clips, classes)`.
        truth: `(clips,)`.
        labels: Class names in the order of the logits.
        data: Where the clips come from.
        split: Part of the data.
        reference: Logits of the Keras model, to tell what is lost against them.
    """
    scores = score(logits, truth, labels)
    recalls = {row.name: row.recall for row in scores.per_class if row.clips}
    record = {
        "data": data,
        "split": split,
        "clips": len(truth),
        "top1": scores.top1,
        "top5": scores.top5,
        "mean_class": scores.mean_class,
        "per_class": recalls,
    }
    if reference is None:
        return record
    before = score(reference, truth, labels)
    record["drop"] = {
        "top1": round(100 * (before.top1 - scores.top1), 6),
        "per_class": {
            row.name: round(100 * (row.recall - recalls[row.name]), 6)
            for row in before.per_class
            if row.clips
        },
    }
    record["agreement"] = float((reference.argmax(-1) == logits.argmax(-1)).mean())
    return record


def _labelled(source: Source, videos: VideoData, split: str) -> list[Clip]:
    clips = [clip for name in SPLITS if split in (name, "all") for clip in videos.clips(name)]
    if not clips:
        raise UserError(f"{videos.source}: no clips of {split}; choose another --evaluate")
    if tuple(videos.classes) != source.labels:
        raise UserError(f"{videos.source}: its classes are no longer those of {source.name}")
    return clips
