"""Test vectors: clips with the logits that each model file gave at export.

`vectors/index.json` lists raw little-endian files, which any language can read: a uint8 file for
each clip, a float32 file of logits for each model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pan_keras.bundle.reader import Bundle
from pan_keras.errors import UserError

INDEX: Final = "vectors/index.json"


@dataclass(frozen=True)
class Expected:
    """The reference answers of one model file.

    Args:
        logits: `(clips, classes)`, or `(clips, N, classes)` of a streaming model: after each step.
        max_difference: Allowed difference of a logit on another machine.
    """

    logits: np.ndarray
    max_difference: float


@dataclass(frozen=True)
class Vectors:
    """The test vectors of a bundle.

    Args:
        clips: uint8 `(clips, N * m, H, W, 3)`.
        expected: By model file.

    Example:
        >>> vectors = Vectors.read(Bundle.open("runs/demo/bundle"))
        >>> vectors.clips.shape, vectors.expected["model_float32.tflite"].logits.shape
        ((3, 8, 24, 32, 3), (3, 3))
        >>> "vectors/index.json" in vectors.files()
        True
    """

    clips: np.ndarray
    expected: Mapping[str, Expected]

    @classmethod
    def read(cls, bundle: Bundle) -> "Vectors":
        """Reads the vectors of a bundle.

        Args:
            bundle: The bundle.

        Returns:
            Its vectors.

        Raises:
            UserError: If a file has changed or the index is not of its form.
        """
        content = bundle.content(INDEX)
        segments, *segment = bundle.shape.array
        form = (segments * segment[0], *segment[1:])
        try:
            index = json.loads(content)
            clips = np.stack([_read(bundle, record, "uint8") for record in index["clips"]])
            if clips.shape[1:] != form:
                raise ValueError(f"clips of {clips.shape[1:]}, not {form}")
            expected = {
                record["model"]: Expected(
                    _read(bundle, record, "float32"), float(record["max_difference"])
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
                f"{bundle.path / INDEX}: malformed ({error}); export the bundle again"
            ) from None
        return cls(clips, expected)

    def files(self) -> dict[str, bytes]:
        """The files of `vectors/`.

        Returns:
            Their bytes by path in the bundle.
        """
        files, clips, logits = {}, [], []
        for number, clip in enumerate(self.clips):
            name = f"vectors/clip_{number}.u8"
            files[name] = clip.tobytes()
            clips.append({"file": name, "dtype": "uint8", "shape": list(clip.shape)})
        for model, expected in self.expected.items():
            name = f"vectors/{model}.f32"
            files[name] = np.ascontiguousarray(expected.logits, "<f4").tobytes()
            logits.append(
                {
                    "model": model,
                    "file": name,
                    "dtype": "float32",
                    "shape": list(expected.logits.shape),
                    "max_difference": expected.max_difference,
                }
            )
        index = {"byte_order": "little", "clips": clips, "logits": logits}
        return files | {INDEX: (json.dumps(index, indent=1) + "\n").encode()}


def _read(bundle: Bundle, record: Mapping[str, Any], dtype: str) -> np.ndarray:
    if record["dtype"] != dtype:
        raise ValueError(f"{record['file']} is {record['dtype']!r:.20}, not {dtype}")
    content = bundle.content(record["file"])
    return np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).reshape(record["shape"])
