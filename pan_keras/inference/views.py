"""Scores of videos, averaged over views."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np

from pan_keras.clips import ClipShape
from pan_keras.clips.crops import CROPS, Resize, framing
from pan_keras.errors import UserError
from pan_keras.inference.classifier import Classifier
from pan_keras.metrics.confidence import UNCALIBRATED, Confidence, softmax
from pan_keras.runtime.preprocessing import views_from_video
from pan_keras.video.container import BrokenVideo, SlowVideo

if TYPE_CHECKING:  # bundles are classified without TensorFlow
    from pan_keras.input import FrameStore

Crops = Literal["1", "3", "full"]
Fuse = Literal["logits", "probabilities"]
TEMPORAL = (1, 2, 10)
AHEAD = 2  # videos decoded ahead, in addition to one per thread
# Seconds without progress after which reading a video is retried with the next, longer limit.
LIMITS = (30.0, 60.0, 120.0)


@dataclass(frozen=True)
class VideoScores:
    """A model's scores for one video.

    Attributes:
        path: The video.
        scores: `(classes,)` float64, the mean over the views; None if it could not be read.
        error: Why it could not be read.
    """

    path: Path
    scores: np.ndarray | None
    error: str | None = None


class VideoScorer(Protocol):
    """What `ViewClassifier` is to its callers.

    Attributes:
        views: Views of one video.
    """

    @property
    def views(self) -> int: ...  # noqa: D102

    def __call__(  # noqa: D102
        self, paths: Sequence[Path], advance: Callable[[int], None] | None = None
    ) -> Iterator[VideoScores]: ...


# Makes a scorer from a classifier, crops, views in time, and what is averaged.
MakeScorer = Callable[[Classifier, Crops, int, Fuse], VideoScorer]


class ViewClassifier:
    """Applies a classifier to several crops and moments of each video.

    The score of a video is the mean over its views of the logits (as in the authors' code) or of
    the probabilities.

    Args:
        classifier: Classifies the views.
        crops: Views in space: `"1"` the centre, `"3"` three crops, `"full"` the whole frame, for
            which a Keras network is rebuilt at the larger size.
        temporal: Views in time: 1, 2 (twice-sample) or 10 (dense).
        fuse: What is averaged: `"logits"` or `"probabilities"`.

    Raises:
        UserError: If an option is unknown, the model is absent or damaged, or its size is fixed
            and `crops` is `"full"`.

    Example:
        >>> classify = ViewClassifier(open_classifier("runs/demo"), crops="3", temporal=10)
        >>> (found,) = classify([Path("wave.mp4")])
        >>> found.scores.shape
        (8,)
    """

    def __init__(
        self,
        classifier: Classifier,
        crops: Crops = "1",
        temporal: int = 1,
        fuse: Fuse = "logits",
    ):
        self.shape = classifier.shape
        check_views(self.shape, crops, temporal, fuse)
        self.classifier = classifier.for_whole_frames() if crops == "full" else classifier
        self.classifier.load()
        self.crops = crops
        self.temporal = temporal
        self.fuse = fuse

    @property
    def views(self) -> int:
        """Views of one video."""
        return views_of(self.crops, self.temporal)

    def __call__(
        self, paths: Sequence[Path], advance: Callable[[int], None] | None = None
    ) -> Iterator[VideoScores]:
        """Classifies videos in order while the next ones are decoded.

        Args:
            paths: Videos.
            advance: Called with the number of views done after each call of the model.

        Yields:
            Mean logits or mean probabilities of each video; `probabilities` converts either.

        Raises:
            UserError: If the model gives NaN or infinite logits.
        """
        # Views of several videos fill a batch; videos wait in `read` for their logits.
        read: deque[tuple[Path, int, str | None]] = deque()
        frames: list[np.ndarray] = []
        logits: deque[np.ndarray] = deque()
        for path, views, error in self._read(paths):
            read.append((path, len(views), error))
            frames.extend(views)
            while len(frames) >= self.classifier.batch:
                self._classify(frames, logits, advance)
            while read and read[0][1] <= len(logits):
                yield self._mean(*read.popleft(), logits)
        if frames:
            self._classify(frames, logits, advance)
        while read:
            yield self._mean(*read.popleft(), logits)

    def _classify(
        self,
        frames: list[np.ndarray],
        logits: deque[np.ndarray],
        advance: Callable[[int], None] | None,
    ) -> None:
        """Moves a batch of views from `frames` to `logits`."""
        batch = frames[: self.classifier.batch]
        del frames[: len(batch)]
        found = self.classifier.logits(np.stack(batch))
        if not np.isfinite(found).all():
            raise UserError(
                f"{self.classifier.path}: its model gives NaN or infinite logits; "
                "train again with a lower training.learning_rate"
            )
        logits.extend(found)
        if advance is not None:
            advance(len(batch))

    def _mean(
        self, path: Path, views: int, error: str | None, logits: deque[np.ndarray]
    ) -> VideoScores:
        if error is not None:
            return VideoScores(path, None, error)
        own = np.stack([logits.popleft() for _ in range(views)])
        scores = own.astype("float64") if self.fuse == "logits" else softmax(own)
        return VideoScores(path, scores.mean(axis=0))

    def _read(
        self, paths: Sequence[Path]
    ) -> Iterator[tuple[Path, Sequence[np.ndarray], str | None]]:
        """Decodes the views of each video, or the reason there are none, a few videos ahead."""
        pool = ThreadPoolExecutor(self.classifier.workers, thread_name_prefix="videos")
        waiting: deque[tuple[Path, Future[np.ndarray]]] = deque()
        try:
            for path in paths:
                waiting.append((path, pool.submit(self._views, path)))
                if len(waiting) > self.classifier.workers + AHEAD:
                    yield _result(*waiting.popleft())
            while waiting:
                yield _result(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _views(self, path: Path) -> np.ndarray:
        for limit in LIMITS[:-1]:
            try:
                return self._views_within(path, limit)
            except SlowVideo:
                continue
        return self._views_within(path, LIMITS[-1])

    def _views_within(self, path: Path, limit: float) -> np.ndarray:
        if self.shape.field is not None:
            return self._field_views(path)
        return views_from_video(
            path, self.shape, self.crops, self.temporal, resize=self._resize, timeout=limit
        )

    def _field_views(self, path: Path) -> np.ndarray:
        from pan_keras.data import Clip  # noqa: PLC0415 (TensorFlow)
        from pan_keras.input import clip_views  # noqa: PLC0415

        return clip_views(
            Clip(path, 0, "test"), self.shape, self._fields, self.crops, self.temporal
        )

    @cached_property
    def _fields(self) -> "FrameStore":
        """Motion fields that training stored, and fields computed on demand for other clips."""
        from pan_keras.input import clip_store  # noqa: PLC0415 (TensorFlow)

        folder = self.classifier.field_folder
        cache = "none" if folder is None else "disk"
        return clip_store(self.shape, cache, folder, crops=self.crops, keeps=False)

    @cached_property
    def _resize(self) -> Resize:
        """OpenCV's resizing if installed: faster, with the same pixels."""
        try:
            from pan_keras.clips.opencv_resizing import resize  # noqa: PLC0415
        except ModuleNotFoundError:
            from pan_keras.clips.resizing import resize  # noqa: PLC0415
        return resize


def check_views(shape: ClipShape, crops: Crops, temporal: int, fuse: Fuse) -> None:
    """Raises UserError if an option of `ViewClassifier` is unknown or does not suit the shape.

    Args:
        shape: Shape of the clips of the model.
        crops: Views in space.
        temporal: Views in time.
        fuse: What is averaged.
    """
    if fuse not in get_args(Fuse):
        raise UserError(f"fuse {fuse}: give one of {', '.join(get_args(Fuse))}")
    if crops not in CROPS:
        raise UserError(f"crops: {crops!r} is not one of {', '.join(CROPS)}")
    if temporal not in TEMPORAL:
        raise UserError(f"clips: {temporal} samples in time is not one of 1, 2, 10")
    framing(shape, crops)  # refuses crops that the shape cannot have


def views_of(crops: Crops, temporal: int) -> int:
    """Views of one video."""
    return temporal * (3 if crops == "3" else 1)


def probabilities(
    scores: np.ndarray, fuse: Fuse, confidence: Confidence = UNCALIBRATED
) -> np.ndarray:
    """Converts averaged scores to probabilities `(..., classes)`.

    Args:
        scores: Mean logits or mean probabilities, `(..., classes)`.
        fuse: Which of the two `scores` are.
        confidence: Holds the temperature of the model, which is applied to the mean, so that the
            classes of a clip keep their order.
    """
    return confidence.probabilities(scores) if fuse == "logits" else confidence.rescaled(scores)


def _result(
    path: Path, reading: "Future[np.ndarray]"
) -> tuple[Path, Sequence[np.ndarray], str | None]:
    try:
        return path, list(reading.result()), None
    except BrokenVideo as error:
        return path, [], error.reason
    except FileNotFoundError:
        return path, [], "there is no such file"
