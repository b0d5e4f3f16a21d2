"""A bundle as a classifier: a model file in LiteRT or ONNX, without TensorFlow and Keras."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.clips import ClipShape, LiveSegment, LiveWindow
from pan_keras.errors import UserError
from pan_keras.metrics.confidence import Confidence
from pan_keras.runtime import Bundle, Recogniser, live_window


class BundleClassifier:
    """A model file of a bundle, of any precision and format; a `Classifier`.

    Clips run through the clip model, or segment by segment through the streaming model if the
    bundle has no other. Live video runs through the streaming model if there is one.

    Args:
        bundle: The bundle.
        precision: Precision of the model file; the bundle's first by default.
        file_format: `"tflite"` or `"onnx"`; the bundle's first by default.

    Example:
        >>> classifier = BundleClassifier(Bundle.open("runs/demo/bundle"), precision="int8")
        >>> classifier.logits(np.zeros((3, *classifier.shape.array), "uint8")).shape
        (3, 8)
    """

    batch = 1
    workers = 2
    networks: Mapping[str, Any] = {}

    def __init__(
        self, bundle: Bundle, precision: str | None = None, file_format: str | None = None
    ):
        self.bundle = bundle
        self.precision = precision
        self.file_format = file_format

    @property
    def path(self) -> Path:
        """The folder of the bundle."""
        return self.bundle.path

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.bundle.labels

    @property
    def shape(self) -> ClipShape:
        """The shape of the clips that the model takes."""
        return self.bundle.shape

    @property
    def confidence(self) -> Confidence:
        """Temperature and threshold, as the bundle specifies them."""
        return self.bundle.confidence

    @property
    def streams(self) -> bool:
        """Whether live video runs through a streaming model."""
        return self.recogniser.steps

    @cached_property
    def recogniser(self) -> Recogniser:
        """The recogniser of the model file.

        Raises:
            UserError: If the bundle holds no such file, or it is damaged.
        """
        return Recogniser(self.bundle, self.precision, file_format=self.file_format)

    @property
    def field_folder(self) -> None:
        """None: bundles take frames, not motion fields."""
        return None

    def load(self) -> None:
        """Loads the model file."""
        _ = self.recogniser

    def logits(self, clips: np.ndarray) -> np.ndarray:
        """Logits `(B, classes)` of clips uint8 `(B, N, m, H, W, 3)`."""
        found = [self.recogniser.logits(clip) for clip in clips]
        return np.stack(found) if found else np.zeros((0, len(self.labels)), np.float32)

    def for_whole_frames(self) -> "BundleClassifier":
        """Raises UserError: the size of an exported model is fixed."""
        raise UserError(f"{self.path}: the size of an exported model is fixed; give --crops 1 or 3")

    def live_window(self) -> LiveWindow:
        """The window that cuts live frames into segments, as the bundle specifies."""
        return live_window(self.bundle)

    def answer(self, segments: Sequence[LiveSegment], clip: np.ndarray | None) -> np.ndarray | None:
        """Logits `(classes,)` for new segments, or for the last N of them."""
        found = self.recogniser.answer(segments, clip)
        return None if found is None else found.logits
