"""Sessions of exported files, which both runtimes share."""

from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.session import CallSession
from pan_keras.runtime.loading import load_engine

FILES = {"tflite": "model.tflite", "onnx": "model.onnx"}


def open_exported(case: Case, file_format: str) -> CallSession:
    """Loads the file of a case and calls it on the frames of its work.

    Args:
        case: The file is in its `options["folder"]`.
        file_format: `"tflite"` or `"onnx"`.
    """
    file = Path(case.options["folder"]) / FILES[file_format]
    engine = load_engine(file_format, file.read_bytes(), case.threads)
    frames = moving_frames(case.work)
    inputs = {"frames": frames.reshape(-1, *frames.shape[2:])}

    def answer() -> np.ndarray:
        return next(iter(engine(inputs).values()))

    session = CallSession(engine.bound(inputs), case.work.pairs, answer=answer)
    session.facts["bytes"] = file.stat().st_size
    return session


def calibration(case: Case) -> list[Any]:
    """Clips for the ranges of eight bits: other frames than those that are timed.

    Args:
        case: What the file is for.

    Returns:
        uint8 `(N, m, H, W, 3)` each.
    """
    return [moving_frames(case.work, seed) for seed in (1, 2)]
