"""Reference tensors of the paper authors' code, and the way from torch's layouts to Keras'."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "golden"


def golden(name):
    """Arrays of one file, by name."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def channels_last(maps):
    """(..., C, H, W) -> (..., H, W, C)."""
    return np.moveaxis(maps, -3, -1)


def convolution_kernel(kernel):
    """(out, in, kh, kw) -> (kh, kw, in, out)."""
    return np.transpose(kernel, (2, 3, 1, 0))


def relative_difference(actual, expected):
    """Largest difference, in units of the largest expected value."""
    return np.abs(actual - expected).max() / np.abs(expected).max()
