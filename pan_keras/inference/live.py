"""What a run or bundle sees in a camera or stream, again and again."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from pan_keras.clips.live_window import LiveWindow
from pan_keras.inference.bundled_run import BundledRun, open_run_or_bundle
from pan_keras.inference.prediction import likeliest
from pan_keras.runs.run import Run
from pan_keras.runtime import Recogniser
from pan_keras.runtime.preprocessing import frame_for_model
from pan_keras.runtime.recognition import softmax
from pan_keras.video.live_readers import check_source
from pan_keras.video.live_source import LiveSource, Window


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
    run: Path | str,
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

    The network sees what it was trained on: frames are brought to the median frame rate of its
    training clips, and segments are cut at their spacing in the median clip. Its answer is for
    the last N of them, of which it looks at the centre crop. A streaming model of a bundle takes
    them one by one and carries its states. Where the network is slower than the source, whole
    segments are dropped and counted.

    Args:
        run: A run folder or a bundle.
        source: Number of a camera, an address that FFmpeg opens, a file or a pipe.
        top: Classes to name in each answer.
        every: Seconds between two answers, at least.
        precision: Which model file of a bundle; the first unless given.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first unless given.
        retry: How often a camera or address that drops is tried again.
        tell: Called with a sentence each time it is.

    Yields:
        An answer, as soon as it is there.

    Raises:
        UserError: If the run has no model, or the source cannot be opened or breaks off.

    Example:
        >>> for answer in predict_live("runs/demo", "0"):
        ...     print(answer.to_text())
    """
    opened = open_run_or_bundle(run, precision, file_format)
    check_source(source)
    viewer = _BundleViewer(opened) if isinstance(opened, BundledRun) else _RunViewer(opened)
    # A stream takes every segment, however seldom it is asked; a clip is taken when it is due.
    pace, due = (0.0, 0.0) if viewer.steps else (every, 0.0)
    held: LivePrediction | None = None
    with LiveSource(source, window=viewer.window, retry=retry, tell=tell) as live:
        for window in live.windows(pace, steps=viewer.steps):
            start = time.perf_counter()
            found = likeliest(viewer(window), opened.labels, top)
            dropped, seconds = window.dropped, time.perf_counter() - start
            if held is not None:
                dropped, seconds = dropped + held.dropped, seconds + held.seconds
            held = LivePrediction(window.time, found, dropped, seconds)
            if not viewer.steps or time.monotonic() >= due:
                yield held
                held, due = None, time.monotonic() + every
    if held is not None:
        yield held


class _Viewer(Protocol):
    """A model that answers for windows of a source: probabilities `(classes,)`."""

    window: LiveWindow
    steps: bool

    def __call__(self, window: Window) -> np.ndarray: ...


class _RunViewer:
    """The Keras model of a run, compiled."""

    steps = False

    def __init__(self, run: Run):
        import tensorflow as tf  # noqa: PLC0415 (a bundle does without)

        from pan_keras.clips.opencv_resizing import resize  # noqa: PLC0415 (OpenCV)

        model, shape = run.load_model(), run.shape
        self.window = LiveWindow(
            run.live_sampling, partial(frame_for_model, shape=shape, resize=resize)
        )
        self._call = tf.function(lambda clips: model(clips, training=False))
        self._call(np.zeros((1, *shape.array), np.uint8))  # compiles, which takes seconds

    def __call__(self, window: Window) -> np.ndarray:
        assert window.clip is not None
        return softmax(self._call(window.clip[None]).numpy())[0]


class _BundleViewer:
    """A model file of a bundle; a streaming one where there is one."""

    def __init__(self, run: BundledRun):
        self.recogniser = Recogniser(run.bundle, run.precision, file_format=run.file_format)
        self.window = run.bundle.live_window()
        self.steps = self.recogniser.steps

    def __call__(self, window: Window) -> np.ndarray:
        answer = self.recogniser.answer(window.segments, window.clip)
        assert answer is not None
        return answer.probabilities
