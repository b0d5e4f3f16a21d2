"""Predictions for video files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.views import Crops, Fuse, MakeScorer, ViewClassifier, probabilities
from pan_keras.metrics.confidence import UNKNOWN
from pan_keras.remote.addresses import displayed, is_remote
from pan_keras.video import is_there
from pan_keras.video.folder_tree import VIDEO_SUFFIXES, visible_videos
from pan_keras.video.remote_tree import remote_clips
from pan_keras.video.shard_file import SUFFIX, is_shard_folder, open_shard, shard_clips


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one video.

    Attributes:
        path: The file; in the cache if it is remote.
        predictions: (label, probability), the most probable first; empty if the file could not be
            read.
        error: Why it could not be read.
        unknown: Whether the highest probability is not above the threshold of the model.

    Example:
        >>> found = Prediction(Path("wave.mp4"), (("wave", 0.98), ("clap", 0.02)))
        >>> found.label, found.to_text()
        ('wave', 'wave.mp4: wave 98.0%, clap 2.0%')
        >>> found.to_json()[:19]
        '{"path": "wave.mp4"'
    """

    path: Path
    predictions: tuple[tuple[str, float], ...]
    error: str | None = None
    unknown: bool = False

    @property
    def label(self) -> str | None:
        """The most probable class, or `"unknown"`; None if the file could not be read."""
        return answer_label(self.predictions, self.unknown)

    def to_json(self) -> str:
        """The answer as JSON.

        Returns:
            One JSON object on one line.
        """
        record: dict = {
            "path": displayed(self.path),
            "label": self.label,
            "predictions": [
                {"label": label, "probability": probability}
                for label, probability in self.predictions
            ],
        }
        return json.dumps(record | ({"error": self.error} if self.error else {}))

    def to_text(self) -> str:
        """The answer as text.

        Returns:
            One line.
        """
        return f"{displayed(self.path)}: {answer_text(self.predictions, self.unknown)}"


def predict(
    model: Source,
    videos: Path | str | Sequence[Path | str],
    *,
    top: int = 5,
    crops: Crops = "1",
    clips: int = 1,
    batch: int = 8,
    fuse: Fuse = "logits",
    precision: str | None = None,
    file_format: str | None = None,
    scorer: MakeScorer = ViewClassifier,
) -> Iterator[Prediction]:
    """Classifies videos; one that cannot be read does not stop the others.

    Args:
        model: A run folder, a bundle, a Keras model, or a classifier from `open_classifier`.
        videos: Video files, folders to search recursively, and addresses of either, such as
            `s3://bucket/wave.mp4`.
        top: Classes per video.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        batch: Views per call of a Keras model.
        fuse: What is averaged over the views: `"logits"` or `"probabilities"`.
        precision: Precision of a bundle's model file; the first by default.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first by default.
        scorer: Makes what scores the videos, such as `pan_keras.cluster.ScoringActors`; by default
            in this process.

    Yields:
        A prediction per file, in order; files of a folder are sorted by name.

    Raises:
        UserError: If the run has no model, a path does not exist or a folder holds no video.

    Example:
        >>> next(predict("runs/demo", "wave.mp4")).predictions[0]
        ('left', 0.98)
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=batch)
    files = video_files([videos] if isinstance(videos, (str, Path)) else videos)
    classify = scorer(classifier, crops, clips, fuse)
    for found in classify(files):
        if found.scores is None:
            yield Prediction(found.path, (), found.error)
        else:
            shares = probabilities(found.scores, fuse, classifier.confidence)
            unknown = not classifier.confidence.is_known(shares)
            best = likeliest(shares, classifier.labels, top)
            yield Prediction(found.path, best, unknown=unknown)


def answer_label(predictions: Sequence[tuple[str, float]], unknown: bool) -> str | None:
    """Names the answer of the most probable classes; None if there are none."""
    if unknown:
        return UNKNOWN
    return predictions[0][0] if predictions else None


def answer_text(predictions: Sequence[tuple[str, float]], unknown: bool) -> str:
    """Shows the most probable classes, in brackets behind `unknown` if none is the answer."""
    found = ", ".join(f"{label} {probability:.1%}" for label, probability in predictions)
    return f"{UNKNOWN} ({found})" if unknown else found


def video_files(paths: Sequence[Path | str]) -> list[Path]:
    """The videos in files, folders and addresses; a folder of frames is one, a shard holds many.

    A file given by its own path may have any name; hidden files and folders in folders are
    skipped.

    Raises:
        UserError: If a path does not exist, cannot be accessed, or a folder holds no video.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if is_remote(path):
            files += remote_clips(str(path))
        elif is_shard_folder(path):
            files += shard_clips(path)
        elif path.is_dir():
            files += _videos_in(path)
        elif path.suffix == SUFFIX and path.is_file():
            shard = open_shard(path)
            files += map(shard.clip_path, shard.clips)
        elif is_there(path):
            files.append(path)
        else:
            raise UserError(f"{path}: no such file; give videos or folders of videos")
    return files


def _videos_in(folder: Path) -> list[Path]:
    found = visible_videos(folder)
    if not found:
        endings = ", ".join(sorted(VIDEO_SUFFIXES))
        raise UserError(f"{folder}: no videos found; name a folder of files that end in {endings}")
    return found


def likeliest(
    probabilities: np.ndarray, labels: Sequence[str], top: int
) -> tuple[tuple[str, float], ...]:
    """The classes with the highest probabilities: (label, probability), the highest first."""
    best = np.argsort(-probabilities, kind="stable")[:top]
    return tuple((labels[number], float(probabilities[number])) for number in best)
