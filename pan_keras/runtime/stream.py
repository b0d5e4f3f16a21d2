"""Runs a model segment by segment, carrying its states from call to call."""

from collections.abc import Iterator, Sequence

import numpy as np

from pan_keras.bundle.model_file import State, States
from pan_keras.bundle.schema import state_output
from pan_keras.runtime.engine import Engine


class Stream:
    """A streaming model with its states, which start at zero.

    Args:
        engine: The loaded model.
        states: Shape, dtype and output name of each state by the name of its input.

    Input shape:
        uint8 `(m, H, W, 3)`, the frames of one segment.

    Output shape:
        `(classes,)` float32: the logits of the last N segments.
    """

    def __init__(self, engine: Engine, states: States):
        self.engine = engine
        self.described = states
        self.states: dict[str, np.ndarray] = {}
        self.reset()

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Runs the next segment; returns its logits."""
        return self.run(frames)["logits"].reshape(-1)

    def run(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the next segment.

        Args:
            frames: uint8 `(m, H, W, 3)`.

        Returns:
            All inputs and outputs by name.
        """
        inputs = {"frames": frames, **self.states}
        outputs = self.engine(inputs)
        self.states = {name: outputs[state.output] for name, state in self.described.items()}
        return {**inputs, **outputs}

    def reset(self) -> None:
        """Sets all states to zero."""
        self.states = {
            name: np.zeros(state.shape, state.dtype) for name, state in self.described.items()
        }


def answers(
    engine: Engine, states: States | None, clip: np.ndarray, shape: Sequence[int]
) -> np.ndarray:
    """Computes the logits of a clip; for a streaming model, after each segment.

    Args:
        engine: A loaded model.
        states: The states of a streaming model, None for a clip model.
        clip: uint8 `(N * m, H, W, 3)`.
        shape: `(N, m, H, W, 3)`.

    Returns:
        `(classes,)`; `(N, classes)` for a streaming model.
    """
    if states is None:
        return engine({"frames": clip})["logits"].reshape(-1)
    stream = Stream(engine, states)
    return np.stack([stream(segment) for segment in clip.reshape(shape)])


def run_clip(engine: Engine, clip: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Runs a clip through a model without a bundle, whole or segment by segment.

    All inputs except `frames` are states.

    Args:
        engine: A loaded model.
        clip: uint8 `(N, m, H, W, 3)`.

    Yields:
        Inputs and outputs of each call by name.
    """
    states = {
        name: State(*tensor, state_output(name, engine.outputs))
        for name, tensor in engine.inputs.items()
        if name != "frames"
    }
    stream = Stream(engine, states)
    frames = clip.reshape(-1, *clip.shape[2:])
    rows = engine.inputs["frames"].shape[0]
    for calls in frames.reshape(-1, len(frames) if rows < 0 else rows, *frames.shape[1:]):
        yield stream.run(calls)
