"""Predictions for a camera or stream."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.prediction import answer_label, answer_text, likeliest
from pan_keras.video.live_readers import check_source
from pan_keras.video.live_source import LiveSource


@dataclass(frozen=True)
class LivePrediction:
    """The most probable classes over the last moments of a source.

    Attributes:
        time: Seconds from the source's first frame to the newest one seen.
        predictions: (label, probability), the most probable first.
        dropped: Frames since the previous answer that no answer covers.
        seconds: Time the network took.
        unknown: Whether the highest probability is not above the threshold of the model.

    Example:
        >>> answer = LivePrediction(2.5, (("left", 0.98), ("up", 0.02)), dropped=0, seconds=0.03)
        >>> answer.label
        'left'
        >>> answer.to_text()
        '    2.50 s  left 98.0%, up 2.0%'
        >>> answer.to_json()[:13]
        '{"time": 2.5,'
    """

    time: float
    predictions: tuple[tuple[str, float], ...]
    dropped: int
    seconds: float
    unknown: bool = False

    @property
    def label(self) -> str | None:
        """The most probable class, or `"unknown"`."""
        return answer_label(self.predictions, self.unknown)

    def to_json(self) -> str:
        """The answer as JSON.

        Returns:
            One JSON object on one line.
        """
        found = [{"label": label, "probability": share} for label, share in self.predictions]
        return json.dumps(
            {
                "time": round(self.time, 3),
                "label": self.label,
                "predictions": found,
                "dropped": self.dropped,
                "seconds": round(self.seconds, 4),
            }
        )

    def to_text(self) -> str:
        """The answer as text.

        Returns:
            One line.
        """
        found = answer_text(self.predictions, self.unknown)
        dropped = f"  ({self.dropped} frames dropped)" if self.dropped else ""
        return f"{self.time:8.2f} s  {found}{dropped}"


def predict_live(
    model: Source,
    source: str,
    *,
    top: int = 5,
    every: float = 0.5,
    precision: str | None = None,
    file_format: str | None = None,
    retry: int = 0,
    tell: Callable[[str], None] | None = None,
) -> Iterator[LivePrediction]:
    """Classifies the last moments of a camera or stream until it ends.

    Frames are sampled as in training: at the median frame rate of the training clips, with
    segments at the spacing they have in the median clip. Each answer covers the centre crop of
    the last N segments. A streaming model of a bundle takes segments one by one and carries its
    states. If the network is slower than the source, whole segments are dropped and counted.

    Args:
        model: A run folder, a bundle, or a classifier from `open_classifier`.
        source: Camera number, an address that FFmpeg opens, a file or a pipe.
        top: Classes per answer.
        every: Minimum time between two answers, in seconds.
        precision: Precision of a bundle's model file; the first by default.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first by default.
        retry: How many times to reconnect to a camera or address that drops.
        tell: Called with a sentence before each retry.

    Yields:
        Answers, each as soon as it is computed.

    Raises:
        UserError: If the run has no model, or the source cannot be opened or breaks off.

    Example:
        >>> answers = list(predict_live("runs/demo", "wave.mp4"))  # "0" is the first camera
        >>> answers[-1].predictions[0]
        ('left', 0.98)
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=1)
    check_source(source)
    window_cutter = classifier.live_window()
    classifier.load()
    if not classifier.streams:
        # The first call compiles for seconds: before the source is opened.
        classifier.logits(np.zeros((1, *classifier.shape.array), np.uint8))
    # A streaming model needs every segment; a clip model runs only when an answer is due.
    pace, due = (0.0, 0.0) if classifier.streams else (every, 0.0)
    held: LivePrediction | None = None
    with LiveSource(source, window=window_cutter, retry=retry, tell=tell) as live:
        for window in live.windows(pace, steps=classifier.streams):
            start = time.perf_counter()
            logits = classifier.answer(window.segments, window.clip)
            assert logits is not None, "a window holds what its model takes"
            shares = classifier.confidence.probabilities(logits)
            found = likeliest(shares, classifier.labels, top)
            dropped, seconds = window.dropped, time.perf_counter() - start
            if held is not None:
                dropped, seconds = dropped + held.dropped, seconds + held.seconds
            unknown = not classifier.confidence.is_known(shares)
            held = LivePrediction(window.time, found, dropped, seconds, unknown)
            if not classifier.streams or time.monotonic() >= due:
                yield held
                held, due = None, time.monotonic() + every
    if held is not None:
        yield held
