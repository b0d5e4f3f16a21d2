"""What a run sees in videos that nobody labelled."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.data.clip import Clip
from pan_keras.data.sources import VIDEO_SUFFIXES, visible_videos
from pan_keras.errors import UserError
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.inference.bundled_run import BundledRun, open_run_or_bundle
from pan_keras.inference.views import ClipClassifier, Crops, Fuse

AT_ONCE = 32  # videos after which the predictions so far are given out


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one video.

    Attributes:
        path: The file.
        predictions: (label, probability), the most probable first; empty where the file could
            not be read.
        error: Why it could not be read.
    """

    path: Path
    predictions: tuple[tuple[str, float], ...]
    error: str | None = None

    def to_json(self) -> str:
        """One JSON object on one line."""
        record: dict = {
            "path": str(self.path),
            "predictions": [
                {"label": label, "probability": probability}
                for label, probability in self.predictions
            ],
        }
        return json.dumps(record | ({"error": self.error} if self.error else {}))

    def to_text(self) -> str:
        """One line for a person."""
        found = [f"{label} {probability:.1%}" for label, probability in self.predictions]
        return f"{self.path}: {', '.join(found)}"


def predict(
    run: Path | str,
    paths: Sequence[Path | str],
    *,
    top: int = 5,
    crops: Crops = "1",
    clips: int = 1,
    batch: int = 8,
    fuse: Fuse = "logits",
    precision: str | None = None,
    file_format: str | None = None,
) -> Iterator[Prediction]:
    """Classifies videos, and goes on where one cannot be read.

    Args:
        run: A run folder or a bundle.
        paths: Video files, and folders that are searched for them with all their subfolders.
        top: Classes to name for each video.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        batch: Views per step.
        fuse: What is averaged over the views: `"logits"` or `"probabilities"`.
        precision: Which model file of a bundle; the first unless given.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first unless given.

    Yields:
        A prediction for each file, in order; a folder's files come by name.

    Raises:
        UserError: If the run has no model, a path does not exist or a folder holds no video.

    Example:
        >>> next(predict("runs/demo", ["wave.mp4"])).predictions[0]
        ('left', 0.98)
    """
    opened = open_run_or_bundle(run, precision, file_format)
    files = video_files(paths)
    classify: ClipClassifier | BundleClassifier
    if isinstance(opened, BundledRun):
        classify = BundleClassifier(opened, crops, clips, fuse)
    else:
        classify = ClipClassifier(opened, crops, clips, batch, fuse)
    for start in range(0, len(files), AT_ONCE):
        chunk = files[start : start + AT_ONCE]
        found, broken = classify([Clip(path, label=0, split="test") for path in chunk])
        for position, path in enumerate(chunk):
            if position in found:
                yield Prediction(path, likeliest(found[position], opened.labels, top))
            else:
                yield Prediction(path, (), broken.get(path, "frames are missing"))


def video_files(paths: Sequence[Path | str]) -> list[Path]:
    """The videos that files and folders stand for.

    A file that is named itself is taken whatever its name; in folders, hidden files and folders
    are passed over.

    Raises:
        UserError: If a path does not exist or a folder holds no video.
    """
    files = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = visible_videos(path)
            if not inside:
                raise UserError(
                    f"{path}: no video in it; they end in {', '.join(sorted(VIDEO_SUFFIXES))}"
                )
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise UserError(f"{path}: no such file; give videos or folders of videos")
    return files


def likeliest(
    probabilities: np.ndarray, labels: Sequence[str], top: int
) -> tuple[tuple[str, float], ...]:
    """The classes with the highest probabilities: (label, probability), the highest first."""
    best = np.argsort(-probabilities, kind="stable")[:top]
    return tuple((labels[number], float(probabilities[number])) for number in best)
