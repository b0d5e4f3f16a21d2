"""Recognises actions on a device, with a bundle and nothing of what trained it."""

from functools import cached_property
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.runtime.bundle import Bundle
from pan_keras.runtime.clips import clip_from_frames, clip_from_video, segment_from_frames
from pan_keras.runtime.engine import Engine
from pan_keras.runtime.recognition import Recognition
from pan_keras.runtime.stream import Stream

CLIP_AXES = 5


class Recogniser:
    """Classifies videos, frames, or a live stream, by one precision of a bundle.

    It needs NumPy, PyAV and one of ai-edge-litert and onnxruntime; neither TensorFlow nor Keras.
    The frames that reach the model are, byte for byte, those that evaluation saw.

    Args:
        bundle: A folder that `pan-keras export` wrote, or an open `Bundle`.
        precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`; the bundle's first unless
            given.
        threads: Threads for one call; all cores unless given.
        file_format: `"tflite"` or `"onnx"`; the bundle's first that this machine can run unless
            given.

    Raises:
        UserError: If the bundle is damaged or holds no such model.

    Example:
        >>> recogniser = Recogniser("runs/demo/bundle", precision="int8", threads=2)
        >>> recogniser.recognise("wave.mp4").label
        'left'
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
        # Loads, and so checks, the model that comes first; another waits until it is needed.
        first = self.bundle.choose(precision, file_format, streaming=None)
        _ = self._stream if first.streaming else self._clip_model

    def recognise(self, video: Path | str | np.ndarray) -> Recognition:
        """Classifies a whole video.

        Args:
            video: A video file; or frames uint8 `(T, h, w, 3)`, RGB, of any number and size; or
                a clip uint8 `(N, m, H, W, 3)` in the form that the model takes.

        Raises:
            BrokenVideo: If the file cannot be decoded.
            UserError: If the frames are not of that form.
        """
        shape = self.bundle.shape
        if isinstance(video, (str, Path)):
            clip = clip_from_video(video, shape)
        elif np.ndim(video) == CLIP_AXES:
            clip = video
        else:
            clip = clip_from_frames(video, shape)
        return Recognition(self.bundle.labels, self.logits(clip))

    def logits(self, clip: np.ndarray) -> np.ndarray:
        """Logits of a clip.

        Args:
            clip: uint8 `(N, m, H, W, 3)`, in the form that the model takes.

        Returns:
            `(classes,)` float32.

        Raises:
            UserError: If the clip has another form.
        """
        shape = self.bundle.shape.array
        if clip.shape != shape or clip.dtype != np.uint8:
            raise UserError(f"clip: {clip.dtype} {clip.shape}; this model takes uint8 {shape}")
        frames = clip.reshape(-1, *shape[2:])
        return self._clip_model({"frames": frames})["logits"].reshape(-1)

    def step(self, frames: np.ndarray) -> Recognition:
        """Takes the next segment of a stream; needs a bundle exported with `--streaming`.

        The first N - 1 answers after `reset` know less than a clip.

        Args:
            frames: uint8 `(m, h, w, 3)`, RGB, adjacent frames of any size.

        Returns:
            The answer for the last N segments.

        Raises:
            UserError: If the bundle holds no streaming model, or the frames are not of that form.
        """
        segment = segment_from_frames(frames, self.bundle.shape)
        return Recognition(self.bundle.labels, self._stream(segment))

    def reset(self) -> None:
        """Forgets the stream: the next step is the first."""
        self._stream.reset()

    @cached_property
    def _clip_model(self) -> Engine:
        entry = self.bundle.choose(self.precision, self.file_format)
        return self.bundle.load(entry, self.threads)

    @cached_property
    def _stream(self) -> Stream:
        entry = self.bundle.choose(self.precision, self.file_format, streaming=True)
        return Stream(self.bundle.load(entry, self.threads), entry.states)
