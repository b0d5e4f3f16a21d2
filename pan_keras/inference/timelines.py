"""Actions in long videos: when each begins and ends."""

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

SMOOTH = 0.5  # of a window, over which probabilities are averaged
SHORTEST = 0.25  # of a window; shorter segments are dropped


@dataclass(frozen=True)
class Timeline:
    """The answers of a model along a video, and the segments that they make.

    Attributes:
        path: The video.
        labels: Class names in the order of the probabilities.
        seconds: Length of the video.
        window: Seconds that an answer is about.
        times: `(answers,)` seconds in the middle of each window.
        probabilities: `(answers, classes)` calibrated probabilities.
        confidence: Holds the threshold below which there is no action.

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
        """Joins the answers into segments.

        Probabilities are averaged over half a window; neighbours with the same most probable class
        make a segment, which ends halfway to the next answer. A segment counts if it is at least a
        quarter of a window long, and if the probability of its surest window, not averaged, is
        above the threshold of the model, which was chosen for single windows.

        Args:
            unknown: Whether the threshold counts; without it, the whole video is covered.

        Returns:
            The segments in their order.
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
    streaming model of a bundle takes the segments one by one. One frame is in memory at a time
    beside the windows, so that hours of video need no more than a minute.

    Args:
        model: A run folder, a bundle, or what `open_classifier` gives.
        video: A video file or a folder of frames.
        precision: Which model file of a bundle; the first unless given.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first unless given.
        batch: Windows per call of a Keras model.
        progress: Called with the seconds of video that are done.

    Returns:
        The timeline. A video that is shorter than a window has one answer.

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
    """The time of each frame, and the time and logits of each window, at its last frame."""
    window = classifier.live_window()
    waiting: list[tuple[float, np.ndarray]] = []
    time, answered = 0.0, False
    for number, frame in enumerate(iterate_frames(video, transform=lambda pixels: pixels)):
        time = number / rate
        segments = window.push(frame, time)
        clip = window.clip if segments else None
        if segments and classifier.streams:
            logits = classifier.answer(segments, clip)
            # The first N - 1 answers of a stream know less than a clip.
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
    """The one answer for a video that is shorter than a window."""
    if rest:
        clip = np.stack([segment.frames for segment in rest])
        yield time, classifier.logits(clip[None])[0]


def _smoothed(probabilities: np.ndarray, times: np.ndarray, width: float) -> np.ndarray:
    """Means of the probabilities within half a width before and after each time."""
    sums = np.concatenate([np.zeros((1, probabilities.shape[1])), probabilities.cumsum(axis=0)])
    slack = 1e-9  # of rounding
    first = np.searchsorted(times, times - width / 2 - slack, side="left")
    last = np.searchsorted(times, times + width / 2 + slack, side="right")
    means: np.ndarray = (sums[last] - sums[first]) / (last - first)[:, None]
    return means
