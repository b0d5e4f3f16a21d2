"""Calibrates the range of every tensor of a TFLite file on clips."""

from collections.abc import Iterable

import numpy as np

from pan_keras.deploy.formats.flatbuffer import read_tflite, tensors
from pan_keras.runtime.litert_engine import LiteRTEngine
from pan_keras.runtime.stream import run_clip

# Share of the clips whose extremes are trimmed at either end: a single flash of light would
# otherwise reduce the precision for all clips.
TRIMMED = 0.01

Ranges = dict[str, tuple[float, float]]


def tensor_ranges(content: bytes, clips: Iterable[np.ndarray]) -> tuple[Ranges, int]:
    """Runs clips through a model and measures the ranges of its tensors.

    A range extends from a low quantile of the clips' minima to a high quantile of their maxima.

    Args:
        content: A TFLite file in float32 with the input `frames`. A streaming model is fed each
            clip segment by segment, from zero states.
        clips: uint8 `(N, m, H, W, 3)`.

    Returns:
        Minimum and maximum of each float tensor by name, and the number of clips.

    Raises:
        ValueError: If there is no clip.
    """
    engine = LiteRTEngine(content, threads=2, keep_tensors=True)
    names = {
        tensor.index: tensor.name
        for tensor in tensors(read_tflite(content))
        if tensor.dtype == "float32" and not tensor.constant
    }
    read = engine.interpreter.get_tensor
    extremes = [
        extremes_of([read(index) for index in names] for _ in run_clip(engine, clip))
        for clip in clips
    ]
    return dict(zip(names.values(), trimmed(extremes), strict=True)), len(extremes)


def trimmed(extremes: list[np.ndarray]) -> list[tuple[float, float]]:
    """Computes the ranges of tensors from the extremes `(2, tensors)` of each clip.

    Raises:
        ValueError: If there is no clip.
    """
    if not extremes:
        raise ValueError(
            "int8 needs clips to calibrate on, and there are none; give about a hundred"
        )
    lows, highs = np.array(extremes, "float64").transpose(1, 2, 0)
    low = np.quantile(lows, TRIMMED, axis=1)
    high = np.quantile(highs, 1 - TRIMMED, axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def extremes_of(values: Iterable[list[np.ndarray]]) -> np.ndarray:
    """Computes minima and maxima `(2, tensors)` of the same tensors over several calls.

    Args:
        values: The tensors of each call.
    """
    found = np.array([[(value.min(), value.max()) for value in tensors] for tensors in values])
    lows, highs = found.transpose(2, 0, 1)
    return np.stack([lows.min(axis=0), highs.max(axis=0)])
