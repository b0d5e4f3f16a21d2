"""The engine interface over LiteRT and ONNX Runtime."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from pan_keras.bundle.model_file import Tensors
from pan_keras.errors import UserError


class Engine(Protocol):
    """A loaded model.

    Attributes:
        inputs: Shape and dtype of each input by name; a dynamic dimension is -1.
        outputs: Shape and dtype of each output by name.
    """

    inputs: Tensors
    outputs: Tensors

    def __call__(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the model once.

        Args:
            tensors: Every input by name.

        Returns:
            Every output by name.
        """

    def bound(self, tensors: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """Returns a function that runs the model on these inputs without copying them, for timing.

        Args:
            tensors: Every input by name.
        """


def not_runnable(file_format: str, error: Exception) -> UserError:
    """The error for a model that its runtime rejects."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UserError(f"{file_format}: the runtime refuses this model ({reason}); export it again")
