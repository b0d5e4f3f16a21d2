"""Clips with the logits that each model file gave them when it was exported.

`vectors/index.json` lists raw little-endian files, so that any language can read them: one uint8
file a clip, one float32 file of logits a model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pan_keras.errors import UserError
from pan_keras.runtime.bundle import Bundle
from pan_keras.runtime.engine import Engine, Tensors
from pan_keras.runtime.entry import Entry
from pan_keras.runtime.stream import Stream

INDEX = "vectors/index.json"


@dataclass(frozen=True)
class Expected:
    """What one model file must answer.

    Args:
        logits: `(clips, classes)`, or `(clips, N, classes)` of a streaming model: after each step.
        max_difference: By how much a logit may be off on another machine.
    """

    logits: np.ndarray
    max_difference: float


@dataclass(frozen=True)
class Comparison:
    """What a model answered, against what it must answer.

    Args:
        furthest: By how much the logits were off at most.
        problems: What is wrong, one sentence a clip; none where all is well.
    """

    furthest: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Vectors:
    """The test vectors of a bundle.

    Args:
        clips: uint8 `(clips, N * m, H, W, 3)`.
        expected: By model file.
    """

    clips: np.ndarray
    expected: Mapping[str, Expected]

    @classmethod
    def read(cls, bundle: Bundle) -> "Vectors":
        """Reads the vectors of a bundle.

        Raises:
            UserError: If a file has changed or the index is not of its form.
        """
        content = bundle.content(INDEX)
        segments, *segment = bundle.shape.array
        form = (segments * segment[0], *segment[1:])
        try:
            index = json.loads(content)
            clips = np.stack([_raw(bundle, record, "uint8") for record in index["clips"]])
            if clips.shape[1:] != form:
                raise ValueError(f"clips of {clips.shape[1:]}, not {form}")
            expected = {
                record["model"]: Expected(
                    _raw(bundle, record, "float32"), float(record["max_difference"])
                )
                for record in index["logits"]
            }
            for name, wanted in expected.items():
                if wanted.logits.shape[:1] != clips.shape[:1]:
                    raise ValueError(f"logits of {wanted.logits.shape} for {len(clips)} clips")
                if not 0 <= wanted.max_difference < float("inf"):
                    raise ValueError(f"max_difference of {name} is {wanted.max_difference}")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise UserError(
                f"{bundle.path / INDEX}: not of its form ({error}); export the bundle again"
            ) from None
        return cls(clips, expected)

    def compare(self, entry: Entry, engine: Engine, shape: Sequence[int]) -> Comparison:
        """Runs a model over the clips.

        Args:
            entry: The model file.
            engine: The same, loaded.
            shape: `(N, m, H, W, 3)`.
        """
        expected = self.expected[entry.file]
        found, furthest = [], 0.0
        for number, (clip, wanted) in enumerate(zip(self.clips, expected.logits, strict=True)):
            logits = answers(engine, entry.states if entry.streaming else None, clip, shape)
            if logits.shape != wanted.shape:
                found.append(f"clip {number}: {logits.shape} logits, not {wanted.shape}")
                continue
            distance = float(np.abs(logits - wanted).max())
            furthest = max(furthest, distance)
            # Written so that a NaN is a difference.
            if not distance <= expected.max_difference:
                found.append(
                    f"clip {number}: a logit is off by {distance:.2g}, more than "
                    f"{expected.max_difference:.2g}"
                )
            elif (logits.argmax(-1) != wanted.argmax(-1)).any():
                found.append(f"clip {number}: another class is the most probable")
        return Comparison(furthest, tuple(found))


def answers(
    engine: Engine,
    states: Tensors | None,
    clip: np.ndarray,
    shape: Sequence[int],
) -> np.ndarray:
    """Logits of one clip; of a streaming model those after each segment.

    Args:
        engine: A loaded model.
        states: The states of a streaming model, None for a clip model.
        clip: uint8 `(N * m, H, W, 3)`.
        shape: `(N, m, H, W, 3)`.

    Returns:
        `(classes,)`, or `(N, classes)`.
    """
    if states is None:
        return engine({"frames": clip})["logits"].reshape(-1)
    stream = Stream(engine, states)
    return np.stack([stream(segment) for segment in clip.reshape(shape)])


def _raw(bundle: Bundle, record: Mapping[str, Any], dtype: str) -> np.ndarray:
    if record["dtype"] != dtype:
        raise ValueError(f"{record['file']} is {record['dtype']!r:.20}, not {dtype}")
    content = bundle.content(record["file"])
    return np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).reshape(record["shape"])
