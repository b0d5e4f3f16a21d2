"""Checkpoints of the training loop."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.errors import UserError
from pan_keras.files import replacing


@dataclass
class Sums:
    """Sums of loss and accuracy since the start of an epoch."""

    loss: float = 0.0
    correct: int = 0
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def figures(self) -> dict[str, float]:
        """Mean loss and accuracy so far."""
        return {
            "loss": self.loss / max(1, self.clips),
            "accuracy": self.correct / max(1, self.clips),
            "clips_per_second": self.clips / max(1e-9, self.seconds),
            "input_wait": self.waited / max(1e-9, self.seconds),
        }


@dataclass
class State:
    """The state of the loop, saved with each checkpoint.

    Args:
        step: Steps done.
        best: The best validation accuracy so far and its negated loss, for `patience`.
        stale: Epochs since the best.
        rows: One row of metrics per epoch.
        sums: Sums over the current epoch.
        versions: Software versions used so far, each with its first `step`.
        world: Numbers of `replicas` and `processes` that train, which the numbers depend on.
    """

    step: int = 0
    best: list[float] = field(default_factory=list)
    stale: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    versions: list[dict[str, Any]] = field(default_factory=list)
    world: dict[str, int] = field(default_factory=lambda: {"replicas": 1, "processes": 1})

    @classmethod
    def of_json(cls, saved: Mapping[str, Any]) -> "State":
        """Makes a state of what a checkpoint holds.

        Args:
            saved: `asdict` of a state, of this or an earlier version.
        """
        return cls(**{**saved, "sums": Sums(**saved["sums"])})


NEWEST = 2
PROGRESS = "progress"


class Checkpoints:
    """The two newest checkpoints of a run.

    A checkpoint holds all variables of the model (including random generator states) and the
    optimiser, and the state of the loop. The file is a zip with a checksum per array, so damage
    is detected on reading.

    Args:
        folder: Folder of the files, such as `step-00000120.npz`.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def save(self, step: int, variables: Sequence, progress: Mapping[str, Any]):
        """Writes a checkpoint and removes those older than the two newest.

        Args:
            step: Steps since the start of the run.
            variables: Keras variables in a fixed order.
            progress: State of the loop, serialisable as JSON.

        Raises:
            UserError: If the disk is full; older checkpoints are kept.
        """
        arrays: dict[str, Any] = {
            _key(index, variable): np.asarray(variable.numpy())
            for index, variable in enumerate(variables)
        }
        arrays[PROGRESS] = np.array(json.dumps(progress))
        path = self.folder / f"step-{step:08d}.npz"
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
        for old in self.files()[NEWEST:]:
            old.unlink()

    def files(self) -> list[Path]:
        """The numbered checkpoints, newest first."""
        return sorted(self.folder.glob("step-*.npz"), reverse=True)

    def restore(
        self, variables: Sequence, warn: Callable[[str], None] = print
    ) -> dict[str, Any] | None:
        """Restores the variables from the newest intact checkpoint.

        Args:
            variables: Keras variables in the order of `save`.
            warn: Called with a sentence for each damaged file that is skipped.

        Returns:
            The saved state of the loop, or None if there is no checkpoint.

        Raises:
            UserError: If there are checkpoints and all are damaged.
        """
        files = self.files()
        for file in files:
            try:
                values, progress = _read(file, variables)
            except Exception as error:  # a damaged zip can raise almost any exception
                warn(f"{file}: damaged ({error}); falling back to the previous checkpoint")
                continue
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return progress
        if files:
            raise UserError(
                f"{self.folder}: every checkpoint is damaged; start a new run in another folder"
            )
        return None


def _read(file: Path, variables: Sequence) -> tuple[list[np.ndarray], dict[str, Any]]:
    with file.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
        progress = json.loads(str(stored[PROGRESS]))
        values = []
        for index, variable in enumerate(variables):
            value = stored[_key(index, variable)]
            if value.shape != tuple(variable.shape):
                raise ValueError(f"{variable.path} has shape {value.shape}")
            values.append(value)
    if len(stored.files) != len(values) + 1:
        raise ValueError("it belongs to another model")
    return values, progress


def _key(index: int, variable) -> str:
    # Not the path: Keras numbers generators and optimisers across the process.
    return f"{index:05d} {variable.name}"
