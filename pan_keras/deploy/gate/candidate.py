"""An exported model on trial: the artefact, ready to run, and what is found out about it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pan_keras.bundle.model_file import State, States
from pan_keras.bundle.schema import state_output
from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.gate.parity import Parity
from pan_keras.runtime.engine import Engine, load_engine
from pan_keras.runtime.stream import answers


@dataclass
class Candidate:
    """One artefact with the evidence that the gate gathers.

    Args:
        artefact: The exported model.
        shape: The clips that it takes.
        threads: Threads for one call.
        parity: Against the Keras model; the gate fills it in, and so the rest.
        accuracy: As `model.json` has it; None where it was not measured.
        milliseconds: Median time of a call.
        answers: Logits of the checked clips, `(clips, classes)`, or `(clips, N, classes)` of a
            streaming model.
    """

    artefact: Artefact
    shape: ClipShape
    threads: int
    parity: Parity | None = None
    accuracy: dict[str, Any] | None = None
    milliseconds: float | None = None
    answers: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def name(self) -> str:
        """Its file in the bundle."""
        kind = "step" if self.artefact.streaming else "model"
        return f"{kind}_{self.artefact.precision}.{self.artefact.format}"

    @cached_property
    def engine(self) -> Engine:
        """The model, loaded."""
        return load_engine(self.artefact.format, self.artefact.content, self.threads)

    @property
    def states(self) -> States | None:
        """The states of a streaming model, None of a clip model."""
        if not self.artefact.streaming:
            return None
        return {
            state.name: State(
                tuple(state.shape), state.dtype, state_output(state.name, self.engine.outputs)
            )
            for state in self.artefact.states
        }

    def answer(self, clip: np.ndarray) -> np.ndarray:
        """Logits of a clip uint8 `(N, m, H, W, 3)`, of a streaming model after each segment."""
        frames = clip.reshape(-1, *self.shape.array[2:])
        return answers(self.engine, self.states, frames, self.shape.array)

    def classify(self, clips: np.ndarray) -> np.ndarray:
        """Logits `(b, classes)` of whole clips `(b, N, m, H, W, 3)`."""
        return np.stack([self.last(self.answer(clip)) for clip in clips])

    def inputs(self, clip: np.ndarray) -> dict[str, np.ndarray]:
        """What one call takes: a clip; or its first segment, and the states of the start."""
        frames = clip[0] if self.artefact.streaming else clip.reshape(-1, *self.shape.array[2:])
        states = self.states or {}
        zeros = {name: np.zeros(state.shape, state.dtype) for name, state in states.items()}
        return {"frames": frames, **zeros}

    def last(self, answer: np.ndarray) -> np.ndarray:
        """The logits of the whole clip."""
        return answer[-1] if self.artefact.streaming else answer
