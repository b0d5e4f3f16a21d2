"""Classifies videos with a bundle: labels and probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pan_keras.bundle import Bundle
from pan_keras.clips.live_window import LiveSegment, LiveWindow
from pan_keras.errors import UserError
from pan_keras.metrics.confidence import UNCALIBRATED, Confidence
from pan_keras.runtime.engine import Engine
from pan_keras.runtime.loading import load_model
from pan_keras.runtime.preprocessing import (
    clip_from_frames,
    clip_from_video,
    live_window,
    segment_from_frames,
)
from pan_keras.runtime.stream import Stream


@dataclass(frozen=True)
class Recognition:
    """The classification of one clip.

    Args:
        labels: Class names in the order of the logits.
        logits: `(classes,)` float32.
        confidence: Temperature and threshold of the model.

    Example:
        >>> answer = Recognition(("left", "right"), np.array([2.0, 0.0]))
        >>> answer.label, round(answer.probability, 3), len(answer.top(2))
        ('left', 0.881, 2)
        >>> unsure = Recognition(answer.labels, answer.logits, Confidence(threshold=0.9))
        >>> unsure.label, unsure.best
        ('unknown', 'left')
    """

    labels: Sequence[str]
    logits: np.ndarray
    confidence: Confidence = UNCALIBRATED

    @property
    def probabilities(self) -> np.ndarray:
        """Probability of each class, calibrated where the model is, `(classes,)` float64."""
        return self.confidence.probabilities(self.logits)

    @property
    def label(self) -> str:
        """The most probable class; `"unknown"` where it is not above the model's threshold."""
        return self.confidence.label(self.probabilities, self.labels)

    @property
    def best(self) -> str:
        """The most probable class, whatever its probability."""
        return self.labels[int(self.logits.argmax())]

    @property
    def probability(self) -> float:
        """Probability of `best`."""
        return float(self.probabilities.max())

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities.

        Args:
            count: Number of classes.

        Returns:
            Pairs of label and probability, the most probable first.
        """
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[place], float(self.probabilities[place])) for place in order]


CLIP_AXES = 5


class Recogniser:
    """Classifies videos, frames or a live stream with one model file of a bundle.

    It needs NumPy, PyAV and either ai-edge-litert or onnxruntime, but neither TensorFlow nor
    Keras. The model gets the same frames, byte for byte, as in evaluation.

    Args:
        bundle: A folder that `pan-keras export` wrote, or an open `Bundle`.
        precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`; the bundle's first by
            default.
        threads: Threads per call; all cores by default.
        file_format: `"tflite"` or `"onnx"`; by default the bundle's first that this machine can
            run.

    Raises:
        UserError: If the bundle is damaged or holds no such model.

    Example:
        >>> recogniser = Recogniser("runs/demo/bundle", threads=2)
        >>> recogniser.recognise("wave.mp4").label
        'left'
        >>> clip = np.zeros((4, 2, 24, 32, 3), "uint8")
        >>> recogniser.logits(clip).shape
        (3,)
    """

    def __init__(
        self,
        bundle: Bundle | Path | str,
        precision: str | None = None,
        threads: int | None = None,
        *,
        file_format: str | None = None,
    ):
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        self.precision = precision
        self.threads = threads
        self.file_format = file_format
        # Loading checks the model: do it for the first one now, and for the others on first use.
        first = self.bundle.choose(precision, file_format, streaming=None)
        _ = self._stream if first.streaming else self._clip_model

    def recognise(self, video: Path | str | np.ndarray) -> Recognition:
        """Classifies a whole video.

        Args:
            video: A video file; or frames uint8 `(T, h, w, 3)`, RGB, of any number and size; or
                a clip uint8 `(N, m, H, W, 3)` of the model's shape.

        Returns:
            The answer.

        Raises:
            BrokenVideo: If the file cannot be decoded.
            UserError: If the frames have another shape or dtype.
        """
        shape = self.bundle.shape
        if isinstance(video, (str, Path)):
            clip = clip_from_video(video, shape)
        elif np.ndim(video) == CLIP_AXES:
            clip = video
        else:
            clip = clip_from_frames(video, shape)
        return self._recognition(self.logits(clip))

    def logits(self, clip: np.ndarray) -> np.ndarray:
        """Computes the logits of a clip, stepping through its segments if all models are streaming.

        Args:
            clip: uint8 `(N, m, H, W, 3)`, of the model's shape.

        Returns:
            `(classes,)` float32.

        Raises:
            UserError: If the clip has another shape or dtype.
        """
        shape = self.bundle.shape.array
        if clip.shape != shape or clip.dtype != np.uint8:
            raise UserError(f"clip: {clip.dtype} {clip.shape}; this model takes uint8 {shape}")
        if self.steps and not self._holds(streaming=False):
            stream = Stream(self._stream.engine, self._stream.described)
            return self._finite([stream(segment) for segment in clip][-1])
        frames = clip.reshape(-1, *shape[2:])
        return self._finite(self._clip_model({"frames": frames})["logits"].reshape(-1))

    def step(self, frames: np.ndarray) -> Recognition:
        """Takes the next segment of a stream; needs a bundle exported with `--streaming`.

        The first N - 1 answers after `reset` are based on fewer than N segments.

        Args:
            frames: uint8 `(m, h, w, 3)`, RGB, adjacent frames of any size.

        Returns:
            The answer for the last N segments.

        Raises:
            UserError: If the bundle holds no streaming model, or the frames have another shape or
                dtype.

        Example:
            >>> recogniser.step(np.zeros((2, 240, 320, 3), "uint8")).logits.shape
            (3,)
        """
        segment = segment_from_frames(frames, self.bundle.shape)
        return self._recognition(self._finite(self._stream(segment)))

    def watch(self, frame: np.ndarray, time: float) -> Recognition | None:
        """Takes the next frame of a camera.

        Frames are sampled at the frame rate and stride of training. A streaming model, if the
        bundle has one, answers after each segment; a clip model answers for the last N segments.

        Args:
            frame: uint8 `(h, w, 3)`, RGB, of any size.
            time: Time of capture in seconds, by any clock.

        Returns:
            The newest answer; None if this frame completes no segment or, without a streaming
            model, there are fewer than N segments so far.

        Raises:
            UserError: If the frame has another shape or dtype, or the time is not a number.

        Example:
            >>> for frame, seconds in camera:
            ...     if answer := recogniser.watch(frame, seconds):
            ...         label = answer.label
        """
        segments = self._window.push(frame, time)
        return self.answer(segments, self._window.clip) if segments else None

    def answer(
        self, segments: Sequence[LiveSegment], clip: np.ndarray | None
    ) -> Recognition | None:
        """Classifies segments that a `LiveWindow` has cut.

        Args:
            segments: The new segments: steps of a streaming model.
            clip: The last N segments `(N, m, H, W, 3)`, for a clip model; None while there are
                fewer.

        Returns:
            The newest answer; None if there is nothing to classify yet.

        Example:
            >>> window = live_window(recogniser.bundle)
            >>> for frame, seconds in camera:
            ...     answer = recogniser.answer(window.push(frame, seconds), window.clip)
        """
        if not self.steps:
            if not segments or clip is None:
                return None
            return self._recognition(self.logits(clip))
        answer = None
        for segment in segments:
            if segment.is_first:
                self._stream.reset()
            answer = self.step(segment.frames)
        return answer

    @cached_property
    def steps(self) -> bool:
        """Whether live video runs through a streaming model, segment by segment."""
        return self._holds(streaming=True)

    def _holds(self, streaming: bool) -> bool:
        return any(
            self.precision in (None, entry.precision)
            and self.file_format in (None, entry.format)
            and entry.streaming == streaming
            and entry.is_runnable
            for entry in self.bundle.entries
        )

    def reset(self) -> None:
        """Clears the state: the next `step` or `watch` starts a new stream.

        Example:
            >>> recogniser.reset()
        """
        if self.steps:
            self._stream.reset()
        if "_window" in self.__dict__:
            self._window.reset()

    def _recognition(self, logits: np.ndarray) -> Recognition:
        return Recognition(self.bundle.labels, logits, self.bundle.confidence)

    def _finite(self, logits: np.ndarray) -> np.ndarray:
        if not np.isfinite(logits).all():
            raise UserError(
                f"{self.bundle.path}: its model gives NaN or infinite logits; export it again"
            )
        return logits

    @cached_property
    def _clip_model(self) -> Engine:
        entry = self.bundle.choose(self.precision, self.file_format)
        return load_model(self.bundle, entry, self.threads)

    @cached_property
    def _window(self) -> LiveWindow:
        return live_window(self.bundle)

    @cached_property
    def _stream(self) -> Stream:
        entry = self.bundle.choose(self.precision, self.file_format, streaming=True)
        return Stream(load_model(self.bundle, entry, self.threads), entry.states)
