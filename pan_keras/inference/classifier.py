"""The classifier protocol for Keras models, bundles and streaming bundles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pan_keras.clips import ClipShape, LiveSegment, LiveWindow
from pan_keras.errors import UserError
from pan_keras.metrics.confidence import Confidence

if TYPE_CHECKING:  # bundles are opened without Keras
    from pan_keras.models import VideoNetwork


class Classifier(Protocol):
    """The model interface that `predict`, `evaluate`, `explain`, overlays and live video use.

    `open_classifier` makes one from a path. Opening is quick; the model is loaded on its first
    call, or by `load`.

    Attributes:
        path: Run folder, bundle or file that it was opened from; the name of a model in memory.
        labels: Class names in the order of the logits.
        shape: Shape of the clips it takes.
        batch: Clips per call of the model.
        workers: Threads that decode videos for it.
        networks: Its Keras networks by name, for callers that inspect layers; empty for a bundle,
            whose model files give logits only.
        field_folder: Folder of stored motion fields, for a model that takes them.
        confidence: Temperature and threshold, which turn logits into probabilities and answers.
        streams: Whether live video runs segment by segment through a model that carries state.

    Example:
        >>> classifier = open_classifier("runs/demo")
        >>> classifier.load()
        >>> classifier.logits(np.zeros((2, *classifier.shape.array), "uint8")).shape
        (2, 8)
        >>> classifier.for_whole_frames().shape.size
        (32, 42)
        >>> window = classifier.live_window()
        >>> for frame, seconds in camera:
        ...     logits = classifier.answer(window.push(frame, seconds), window.clip)  # (8,)
    """

    @property
    def path(self) -> Path: ...  # noqa: D102 (described above, as all of these)

    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def shape(self) -> ClipShape: ...  # noqa: D102

    @property
    def batch(self) -> int: ...  # noqa: D102

    @property
    def workers(self) -> int: ...  # noqa: D102

    @property
    def networks(self) -> "Mapping[str, VideoNetwork]": ...  # noqa: D102

    @property
    def field_folder(self) -> Path | None: ...  # noqa: D102

    @property
    def confidence(self) -> Confidence: ...  # noqa: D102

    @property
    def streams(self) -> bool: ...  # noqa: D102

    def load(self) -> None:
        """Loads the model if it is not loaded yet.

        Raises:
            UserError: If it is absent or damaged.
        """

    def logits(self, clips: np.ndarray) -> np.ndarray:
        """Computes the logits of clips.

        Args:
            clips: uint8 `(B, N, m, H, W, 3)`, of any number.

        Returns:
            `(B, classes)` float32.
        """

    def for_whole_frames(self) -> "Classifier":
        """Returns the same model for clips of `full_size(shape)`, which show the whole frame.

        Returns:
            Another classifier.

        Raises:
            UserError: If the size of the model is fixed.
        """

    def live_window(self) -> LiveWindow:
        """Creates the window that cuts live frames into segments for the model.

        Returns:
            A new window.

        Raises:
            UserError: If the frame rate of its training clips is unknown.
        """

    def answer(self, segments: Sequence[LiveSegment], clip: np.ndarray | None) -> np.ndarray | None:
        """Computes the logits for segments that a `LiveWindow` has cut.

        Args:
            segments: The new segments: steps of a streaming model.
            clip: The last N segments `(N, m, H, W, 3)`; None while there are fewer.

        Returns:
            `(classes,)` float32; None if there is nothing to classify yet.
        """


def require_frames(classifier: Classifier, what: str) -> None:
    """Raises UserError for a model that takes motion fields.

    Args:
        classifier: The model.
        what: The operation that takes frames only, for the message.
    """
    if classifier.shape.field is not None:
        raise UserError(
            f"{classifier.path}: takes {classifier.shape.field}, a motion field, but {what} "
            "needs a model that takes frames; name a run of such a model"
        )
