"""Numerical parity of an exported model with the Keras model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pan_keras.bundle.model_file import State, States
from pan_keras.bundle.schema import state_output
from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.recipe import Limits
from pan_keras.runtime.engine import Engine
from pan_keras.runtime.loading import load_engine
from pan_keras.runtime.stream import answers


@dataclass(frozen=True)
class Parity:
    """Logits of an exported model compared with those of the Keras model.

    Args:
        clips: Number of real clips compared.
        difference: Largest difference of a logit on them.
        edge_difference: The same on black, white and repeated frames.
        cosine: Least cosine between the logits of a clip.
        agreement: Share of the clips with the same most probable class.
    """

    clips: int
    difference: float
    edge_difference: float
    cosine: float
    agreement: float

    @property
    def furthest(self) -> float:
        """The largest difference of a logit on all inputs."""
        return float(np.max([self.difference, self.edge_difference]))

    def to_json(self) -> dict[str, Any]:
        """Returns the record in the form of `model.json`."""
        return asdict(self)

    def problem(self, limits: Limits) -> str | None:
        """Describes a violation of the limits as part of a sentence; None if there is none."""
        furthest = self.furthest
        # Negated so that NaN is a problem.
        if not furthest <= limits.difference:
            return f"a logit is off by {furthest:.2g}, more than {limits.difference:.2g}"
        if not self.cosine >= limits.cosine:
            return f"the cosine of the logits falls to {self.cosine:.4f}, below {limits.cosine:g}"
        if not self.agreement >= limits.agreement:
            return (
                f"{self.agreement:.1%} of the clips keep their most probable class, less than "
                f"{limits.agreement:.1%}"
            )
        return None


def measure_parity(expected: np.ndarray, found: np.ndarray, edges: int) -> Parity:
    """Compares logits.

    Args:
        expected: `(clips, classes)` of the Keras model; the last rows are for edge inputs.
        found: The same of the exported model.
        edges: Number of rows for edge inputs.
    """
    distances = np.abs(expected.astype("float64") - found)
    real = len(expected) - edges
    one, other = expected[:real].astype("float64"), found[:real].astype("float64")
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosines = (one * other).sum(axis=-1) / np.maximum(lengths, 1e-30)
    return Parity(
        clips=real,
        difference=float(distances[:real].max()),
        edge_difference=float(distances[real:].max()),
        cosine=float(np.clip(cosines.min(), -1, 1)),
        agreement=float((one.argmax(-1) == other.argmax(-1)).mean()),
    )


def edge_clips(shape: ClipShape, real: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Makes edge inputs, where arithmetic fails first: all black, all white, a repeated frame."""
    still = np.broadcast_to(real[0][:1, :1], shape.array)
    return [np.zeros(shape.array, np.uint8), np.full(shape.array, 255, np.uint8), still.copy()]


@dataclass
class Candidate:
    """An exported model with the results of its checks.

    Args:
        artefact: The exported model.
        shape: Shape of its clips.
        threads: Threads for one call.
        parity: Parity with the Keras model; the gate fills in this and the remaining fields.
        accuracy: Accuracy in the form of `model.json`; None if not measured.
        milliseconds: Median time per call.
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
        """File name in the bundle."""
        kind = "step" if self.artefact.streaming else "model"
        return f"{kind}_{self.artefact.precision}.{self.artefact.format}"

    @cached_property
    def engine(self) -> Engine:
        """The model, loaded."""
        return load_engine(self.artefact.format, self.artefact.content, self.threads)

    @property
    def states(self) -> States | None:
        """The states of a streaming model; None for a clip model."""
        if not self.artefact.streaming:
            return None
        return {
            state.name: State(
                tuple(state.shape), state.dtype, state_output(state.name, self.engine.outputs)
            )
            for state in self.artefact.states
        }

    def answer(self, clip: np.ndarray) -> np.ndarray:
        """Computes logits of a clip uint8 `(N, m, H, W, 3)`; if streaming, after each segment."""
        frames = clip.reshape(-1, *self.shape.array[2:])
        return answers(self.engine, self.states, frames, self.shape.array)

    def classify(self, clips: np.ndarray) -> np.ndarray:
        """Computes the logits `(b, classes)` of whole clips `(b, N, m, H, W, 3)`."""
        return np.stack([self.last(self.answer(clip)) for clip in clips])

    def inputs(self, clip: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the inputs of one call: a clip, or its first segment and the initial states."""
        frames = clip[0] if self.artefact.streaming else clip.reshape(-1, *self.shape.array[2:])
        states = self.states or {}
        zeros = {name: np.zeros(state.shape, state.dtype) for name, state in states.items()}
        return {"frames": frames, **zeros}

    def last(self, answer: np.ndarray) -> np.ndarray:
        """Returns the logits of the whole clip."""
        return answer[-1] if self.artefact.streaming else answer
