"""A model that takes a video segment by segment and carries what it remembers."""

import numpy as np

from pan_keras.runtime.engine import Engine, Tensors

NEXT = "next_"


class Stream:
    """A streaming model with its state tensors, which are zero at the start.

    A state comes out under its own name, or with `next_` before it: in ONNX a name stands for one
    tensor.

    Args:
        engine: The loaded model.
        states: Shape and dtype of each state tensor by name.

    Input shape:
        uint8 `(m, H, W, 3)`, the frames of one segment.

    Output shape:
        `(classes,)` float32: the logits of the last N segments.
    """

    def __init__(self, engine: Engine, states: Tensors):
        self.engine = engine
        self.described = states
        self.states: dict[str, np.ndarray] = {}
        self.reset()

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Takes the next segment."""
        outputs = self.engine({"frames": frames, **self.states})
        self.states = {
            name: outputs[name if name in outputs else f"{NEXT}{name}"] for name in self.states
        }
        return outputs["logits"].reshape(-1)

    def reset(self) -> None:
        """Forgets all segments so far."""
        self.states = {
            name: np.zeros(shape, dtype) for name, (shape, dtype) in self.described.items()
        }
