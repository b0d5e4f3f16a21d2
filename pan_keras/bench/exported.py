"""Sessions on models that take frames by name: exported files and Keras graphs alike."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.model_input import model_clips, raw_frames
from pan_keras.bench.session import Timing


class Stages(Protocol):
    """A loaded model, run in three stages that can be timed each.

    Attributes:
        device: What it runs on.
        backend: Of Keras, None of a runtime.
        inputs: Shape and dtype of each input by name.
    """

    device: str
    backend: str | None
    inputs: dict[str, tuple[tuple[int, ...], str]]

    def put(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Hands the inputs to the runtime."""

    def invoke(self) -> None:
        """Computes, and waits for the device."""

    def get(self) -> dict[str, np.ndarray]:
        """The outputs by name."""


class CueSession:
    """A motion cue on frames that the runtime has already: only the computation is timed.

    Args:
        case: Whose frames they are.
        stages: The loaded graph.
    """

    divisible = False

    def __init__(self, case: Case, stages: Stages):
        frames = moving_frames(case.work)
        self.device = stages.device
        self.backend = stages.backend
        self.units = case.work.pairs
        self.facts: dict[str, Any] = {}
        self._stages = stages
        stages.put({"frames": frames.reshape(-1, *frames.shape[2:])})

    def run(self, _units: int) -> None:
        """Computes."""
        self._stages.invoke()

    def answer(self) -> np.ndarray:
        """The cue."""
        self._stages.invoke()
        return next(iter(self._stages.get().values())).astype("float32")


class ModelSession:
    """A model on frames of a camera: preprocessing, run and reading back are timed each.

    The time of a call is that of its run: handing over the inputs and computing.

    Args:
        case: Its clips.
        stages: The loaded model. Inputs other than `frames` are states, and start as zeros.
    """

    divisible = False

    def __init__(self, case: Case, stages: Stages):
        self.device = stages.device
        self.backend = stages.backend
        self.units = case.work.batch
        self.facts: dict[str, Any] = {}
        self._case = case
        self._stages = stages
        self._frames = raw_frames(case)
        self._states = {
            name: np.zeros(shape, dtype)
            for name, (shape, dtype) in stages.inputs.items()
            if name != "frames"
        }

    def run(self, _units: int) -> Timing:
        """From frames of a camera to the most likely class."""
        start = time.perf_counter()
        clips = model_clips(self._case, self._frames)
        prepared = time.perf_counter()
        self._stages.put({"frames": clips, **self._states})
        self._stages.invoke()
        computed = time.perf_counter()
        logits = self._stages.get()["logits"]
        exponents = np.exp(logits - logits.max(-1, keepdims=True))
        probabilities = exponents / exponents.sum(-1, keepdims=True)
        probabilities.argmax(-1)
        end = time.perf_counter()
        run = computed - prepared
        parts = {"preprocess": prepared - start, "run": run, "read_back": end - computed}
        return Timing((run,), parts)

    def answer(self) -> np.ndarray:
        """Logits `(B, classes)`."""
        clips = model_clips(self._case, self._frames)
        self._stages.put({"frames": clips, **self._states})
        self._stages.invoke()
        return self._stages.get()["logits"]


def open_stages(case: Case, stages: Stages) -> CueSession | ModelSession:
    """The session of a case on a loaded model.

    Args:
        case: A motion cue, or a model with its clip's `shape` in the options.
        stages: The loaded model.
    """
    return ModelSession(case, stages) if "shape" in case.options else CueSession(case, stages)
