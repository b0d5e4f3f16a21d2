"""What a run sees in a camera or stream, again and again."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from pan_keras.data import ClipShape
from pan_keras.data.crops import evaluation_crops, resize_shorter_side
from pan_keras.data.live_source import LiveSource
from pan_keras.data.resizing import resize
from pan_keras.data.sampling import spread_starts, stack_frames
from pan_keras.evaluation.prediction import likeliest
from pan_keras.evaluation.views import softmax
from pan_keras.training.run import open_run


@dataclass(frozen=True)
class LivePrediction:
    """The most probable classes of the last moments of a source.

    Attributes:
        time: Seconds from the source's first frame to the newest that was seen.
        predictions: (label, probability), the most probable first.
        dropped: Frames since the answer before that no answer is about.
        seconds: Time that the network took.
    """

    time: float
    predictions: tuple[tuple[str, float], ...]
    dropped: int
    seconds: float

    def to_json(self) -> str:
        """One JSON object on one line."""
        found = [{"label": label, "probability": share} for label, share in self.predictions]
        return json.dumps(
            {
                "time": round(self.time, 3),
                "predictions": found,
                "dropped": self.dropped,
                "seconds": round(self.seconds, 4),
            }
        )

    def to_text(self) -> str:
        """One line for a person."""
        found = ", ".join(f"{label} {share:.1%}" for label, share in self.predictions)
        dropped = f"  ({self.dropped} frames dropped)" if self.dropped else ""
        return f"{self.time:8.2f} s  {found}{dropped}"


def predict_live(
    run: Path | str, source: str, *, top: int = 5, every: float = 0.5
) -> Iterator[LivePrediction]:
    """Classifies the last moments of a camera or stream until it ends.

    The network was trained on whole clips, so that it is given a window as long as the median
    training clip, at the median training frame rate, and looks at its centre crop. Where it is
    slower than the source, whole stretches are dropped and counted.

    Args:
        run: A run folder.
        source: Number of a camera, or what FFmpeg opens: an URL, a file, a pipe.
        top: Classes to name in each answer.
        every: Seconds between two answers, at least.

    Yields:
        An answer, as soon as it is there.

    Raises:
        UserError: If the run has no model, or the source cannot be opened or breaks off.

    Example:
        >>> for answer in predict_live("runs/demo", "0"):
        ...     print(answer.to_text())
    """
    opened = open_run(run)
    model, shape, report = opened.load_model(), opened.shape, opened.data_report
    call = tf.function(lambda clips: model(clips, training=False))
    call(np.zeros((1, *shape.array), np.uint8))  # the first call compiles, which takes seconds
    live = LiveSource(
        source,
        rate=report["frame_rate"]["median"],
        window=max(1, round(report["frames"]["median"])),
        transform=partial(resize_shorter_side, side=shape.resize, resize=resize),
    )
    with live:
        for window in live.windows(every):
            start = time.perf_counter()
            probabilities = softmax(call(clip_of(window.frames, shape)).numpy())[0]
            seconds = time.perf_counter() - start
            found = likeliest(probabilities, opened.labels, top)
            yield LivePrediction(window.time, found, window.dropped, seconds)


def clip_of(frames: np.ndarray, shape: ClipShape) -> np.ndarray:
    """The clip that evaluation would take from a video of these frames: its centre crop.

    Args:
        frames: uint8 `(T, h, w, 3)`, the shorter side being `shape.resize`.
        shape: Segments, stack and size.

    Returns:
        uint8 `(1, N, m, H, W, 3)`.
    """
    starts = spread_starts(len(frames), shape.segments, shape.stack)
    (cut,) = evaluation_crops(frames, shape, "1", resize)
    return cut[stack_frames(starts, len(frames), shape.stack)]
