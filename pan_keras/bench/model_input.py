"""Generates the clips that models are measured on and calibrated with."""

from dataclasses import replace

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.runtime.preprocessing import clip_from_frames, segment_from_frames

CAMERA = (480, 640)  # height and width of camera frames before preprocessing
CALIBRATION = (1, 2)  # seeds of the clips


def raw_frames(case: Case, seed: int = 0) -> np.ndarray:
    """Generates camera frames for each clip, or for one segment of a stream.

    Args:
        case: The shape of its clips is in the options.
        seed: Seed of the content.

    Returns:
        uint8 `(B, T, 480, 640, 3)`.
    """
    height, width = CAMERA
    frames = moving_frames(replace(case.work, height=height, width=width), seed)
    return frames.reshape(case.work.batch, -1, *CAMERA, 3)


def model_clips(case: Case, frames: np.ndarray) -> np.ndarray:
    """Preprocesses frames into the input of the model.

    Args:
        case: The shape of its clips is in the options.
        frames: uint8 `(B, T, h, w, 3)`.

    Returns:
        uint8 `(B * N * m, H, W, 3)`.
    """
    shape = case.options["shape"]
    prepare = segment_from_frames if case.graph == "step" else clip_from_frames
    clips = [prepare(clip, shape) for clip in frames]
    return np.concatenate([clip.reshape(-1, *shape.size, 3) for clip in clips])


def calibration(case: Case) -> list[np.ndarray]:
    """Returns clips to calibrate eight-bit ranges, with other frames than those that are timed.

    Args:
        case: The case to quantise.

    Returns:
        Each uint8 `(N, m, H, W, 3)`; `(B * N, m, H, W, 3)` for a larger batch,
        `(B * N, 2, H, W, 3)` for a network of pairs.
    """
    if case.options.get("pairwise"):
        return [moving_frames(case.work, seed)[:, :2] for seed in CALIBRATION]
    shape = case.options.get("shape")
    if shape is None:
        return [moving_frames(case.work, seed) for seed in CALIBRATION]
    # Streams are calibrated on whole clips too.
    work = replace(case.work, segments=shape.segments)
    clip = replace(case, work=work, graph="fast")
    return [
        model_clips(clip, raw_frames(clip, seed)).reshape(-1, shape.stack, *shape.size, 3)
        for seed in CALIBRATION
    ]
