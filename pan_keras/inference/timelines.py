"""Finds actions in long videos: when each begins and ends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.clips import LiveSegment
from pan_keras.errors import UserError
from pan_keras.inference.classifier import Classifier
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.metrics.confidence import Confidence
from pan_keras.metrics.segments import Segment
from pan_keras.video import BrokenVideo, frame_source, iterate_frames

SMOOTH = 1.0  # of a window, over which probabilities are averaged
SHORTEST = 0.5  # of a window; shorter segments are dropped


@dataclass(frozen=True)
class Timeline:
    """The predictions of a model along a video, and the segments formed from them.

    Attributes:
        path: Path of the video.
        labels: Class names in the order of the probabilities.
        seconds: Duration of the video.
        window: Duration of a window in seconds.
        times: `(predictions,)` centres of the windows in seconds.
        probabilities: `(predictions, classes)` calibrated probabilities.
        confidence: Defines the threshold below which a window shows no known action.

    Example:
        >>> found = timeline("runs/demo", "wave.mp4")
        >>> found.probabilities.shape == (len(found.times), len(found.labels))
        True
        >>> all(segment.start < segment.end for segment in found.segments())
        True
    """

    path: Path
    labels: tuple[str, ...]
    seconds: float
    window: float
    times: np.ndarray
    probabilities: np.ndarray
    confidence: Confidence

    def segments(self, *, unknown: bool = True) -> list[Segment]:
        """Forms segments from the predictions.

        Probabilities are averaged over a window. Consecutive predictions with the same most
        probable class form a segment, whose ends lie halfway to the neighbouring predictions. A
        segment is kept if it is at least half a window long, and if the highest unaveraged
        probability of its class exceeds the model's threshold, which was chosen for single windows.

        Args:
            unknown: Whether to apply the threshold.

        Returns:
            The segments in order of time.
        """
        shares = _smoothed(self.probabilities, self.times, SMOOTH * self.window)
        best = shares.argmax(axis=1)
        middles = (self.times[1:] + self.times[:-1]) / 2
        edges = np.concatenate([[0.0], middles, [self.seconds]])
        changes = np.flatnonzero(np.diff(best)) + 1
        threshold = self.confidence.threshold if unknown else None
        found = []
        for first, last in zip([0, *changes], [*changes, len(best)], strict=True):
            place, start, end = int(best[first]), float(edges[first]), float(edges[last])
            surest = float(self.probabilities[first:last, place].max())
            if len(best) > 1 and end - start < SHORTEST * self.window:
                continue
            if threshold is None or surest > threshold:
                mean = float(shares[first:last, place].mean())
                found.append(Segment(start, end, self.labels[place], mean))
        return found


def timeline(
    model: Source,
    video: Path | str,
    *,
    precision: str | None = None,
    file_format: str | None = None,
    batch: int = 8,
    progress: Callable[[float], None] | None = None,
) -> Timeline:
    """Finds the actions in a video of any length.

    Windows as long as the median training clip slide over the video by one segment of the model; a
    streaming model of a bundle processes the segments one by one. Besides the windows, only one
    frame is in memory at a time, so memory hardly depends on the duration of the video.

    Args:
        model: A run folder, a bundle, or a classifier returned by `open_classifier`.
        video: A video file or a folder of frames.
        precision: Precision of a bundle's model file; by default the first file that fits is used.
        file_format: `"tflite"` or `"onnx"`, for a bundle; by default as for `precision`.
        batch: Windows per call of a Keras model.
        progress: Called with the seconds of video that were processed.

    Returns:
        The timeline. A video that is shorter than a window has one prediction.

    Raises:
        UserError: If the model does not record the frame rate of its training clips, or the video
            cannot be read, has one frame or no frame rate.

    Example:
        >>> found = timeline("runs/demo", "wave.mp4")
        >>> found.probabilities.shape[1]
        8
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=batch)
    video = Path(video)
    window = classifier.live_window()
    sampling = window.sampling
    try:
        source = frame_source(video)
        rate = source.rate or sampling.rate
        if len(source) < 2:
            raise UserError(f"{video}: has one frame; a timeline needs a video")
    except (BrokenVideo, OSError) as error:
        raise UserError(f"{video}: cannot be read as video ({error}); give another file") from None
    if not rate:
        raise UserError(f"{video}: has no frame rate; make a video file of the frames")
    classifier.load()
    length = sampling.frames / (sampling.rate or rate)
    found: list[tuple[float, np.ndarray]] = []
    frames = 0
    try:
        for time, logits in _answers(classifier, video, rate):
            frames = round(time * rate) + 1
            if logits is not None:
                found.append((time, logits))
            elif progress is not None:
                progress(time)
    except BrokenVideo as error:
        raise UserError(f"{video}: cannot be read as video ({error.reason})") from None
    if not found:
        raise UserError(f"{video}: its frames cannot be decoded; give another file")
    seconds = frames / rate
    times = np.array([time for time, _ in found])
    return Timeline(
        path=video,
        labels=classifier.labels,
        seconds=seconds,
        window=length,
        times=np.clip(times - length / 2, 0.0, seconds),
        probabilities=classifier.confidence.probabilities(np.stack([each for _, each in found])),
        confidence=classifier.confidence,
    )


def _answers(
    classifier: Classifier, video: Path, rate: float
) -> Iterator[tuple[float, np.ndarray | None]]:
    """Yields the time of each frame and, at a window's last frame, the window's time and logits."""
    window = classifier.live_window()
    waiting: list[tuple[float, np.ndarray]] = []
    time, answered = 0.0, False
    for number, frame in enumerate(iterate_frames(video, transform=lambda pixels: pixels)):
        time = number / rate
        segments = window.push(frame, time)
        clip = window.clip if segments else None
        if segments and classifier.streams:
            logits = classifier.answer(segments, clip)
            # The first N - 1 predictions of a stream have seen fewer segments than a clip.
            if clip is not None and logits is not None:
                answered = True
                yield time, logits
        elif clip is not None:
            waiting.append((time, clip))
            if len(waiting) == classifier.batch:
                answered = True
                yield from _classified(classifier, waiting)
                waiting = []
        yield time, None
    if waiting:
        answered = True
        yield from _classified(classifier, waiting)
    if not answered:
        yield from _short(classifier, window.rest(), time)
    yield time, None


def _classified(
    classifier: Classifier, waiting: Sequence[tuple[float, np.ndarray]]
) -> Iterator[tuple[float, np.ndarray]]:
    logits = classifier.logits(np.stack([clip for _, clip in waiting]))
    yield from zip([time for time, _ in waiting], logits, strict=True)


def _short(
    classifier: Classifier, rest: Sequence[LiveSegment], time: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Yields the only prediction for a video that is shorter than a window."""
    if rest:
        clip = np.stack([segment.frames for segment in rest])
        yield time, classifier.logits(clip[None])[0]


def _smoothed(probabilities: np.ndarray, times: np.ndarray, width: float) -> np.ndarray:
    """Averages the probabilities within half a width before and after each time."""
    sums = np.concatenate([np.zeros((1, probabilities.shape[1])), probabilities.cumsum(axis=0)])
    slack = 1e-9  # for rounding errors
    first = np.searchsorted(times, times - width / 2 - slack, side="left")
    last = np.searchsorted(times, times + width / 2 + slack, side="right")
    means: np.ndarray = (sums[last] - sums[first]) / (last - first)[:, None]
    return means
