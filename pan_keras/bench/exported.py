"""Sessions for models with named inputs: exported files and Keras graphs."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.model_input import model_clips, raw_frames
from pan_keras.bench.session import Timing


class Stages(Protocol):
    """A loaded model, run in three stages that can be timed separately.

    Attributes:
        device: Device that it runs on.
        backend: Keras backend; None for other runtimes.
        inputs: Shape and dtype of each input by name.
    """

    device: str
    backend: str | None
    inputs: dict[str, tuple[tuple[int, ...], str]]

    def put(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Passes the inputs to the runtime."""

    def invoke(self) -> None:
        """Runs the model and waits for the device."""

    def get(self) -> dict[str, np.ndarray]:
        """Returns the outputs by name."""


class CueSession:
    """Runs a motion cue on frames already passed to the runtime: only computation is timed.

    Args:
        case: The case that defines the frames.
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
        """Computes the cue."""
        self._stages.invoke()

    def answer(self) -> np.ndarray:
        """Returns the cue."""
        self._stages.invoke()
        return next(iter(self._stages.get().values())).astype("float32")


class PairSession:
    """Runs a network that takes pairs of frames; a call may process only some of them.

    Args:
        case: The case that defines the frames.
        stages: The network, from `frames` `(pairs, 2, H, W, 3)`, or of one pair `(2, H, W, 3)`.
    """

    divisible = True

    def __init__(self, case: Case, stages: Stages):
        frames = moving_frames(case.work)
        pairs = np.stack([frames[:, :-1], frames[:, 1:]], 2)
        self._pairs = pairs.reshape(-1, *pairs.shape[2:])
        self.device = stages.device
        self.backend = stages.backend
        self.units = case.work.pairs
        self.facts: dict[str, Any] = {}
        self._stages = stages
        self._is_single = len(stages.inputs["frames"][0]) == len(self._pairs.shape) - 1
        self._held = 0

    def run(self, units: int) -> None:
        """Computes the flow of the first pairs: in a batch if the network can, else one by one."""
        if self._is_single:
            for pair in self._pairs[:units]:
                self._stages.put({"frames": pair})
                self._stages.invoke()
            return
        if units != self._held:  # they stay on the device between calls
            self._stages.put({"frames": self._pairs[:units]})
            self._held = units
        self._stages.invoke()

    def answer(self) -> np.ndarray:
        """Returns the flow of the first pair."""
        self.run(1)
        return next(iter(self._stages.get().values())).astype("float32")


class ModelSession:
    """Runs a model on camera frames; preprocessing, inference and reading back are timed each.

    The time of a call is that of inference: passing the inputs and computing.

    Args:
        case: The case that defines the clips.
        stages: The loaded model. Inputs other than `frames` are states, initially zero.
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
        """Classifies camera frames and times the stages."""
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
        """Returns the logits `(B, classes)`."""
        clips = model_clips(self._case, self._frames)
        self._stages.put({"frames": clips, **self._states})
        self._stages.invoke()
        return self._stages.get()["logits"]


def open_stages(case: Case, stages: Stages) -> CueSession | PairSession | ModelSession:
    """Opens the session of a case on a loaded model.

    Args:
        case: A motion cue, with `pairwise` in the options if it takes pairs of frames, or a model
            with the `shape` of its clips in the options.
        stages: The loaded model.
    """
    if case.options.get("pairwise"):
        return PairSession(case, stages)
    return ModelSession(case, stages) if "shape" in case.options else CueSession(case, stages)
