"""Reference tensors of the authors' code, and conversion from torch's to Keras's layouts."""

import json
import lzma
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "golden"


def golden(name):
    """Arrays of one file, by name."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def golden_network(name):
    """Arrays of a whole network's file, with the input and PA that several files share."""
    frames = "m1" if name.endswith("rgb") else "m4"
    return {**golden(f"compact_{name}"), **golden(f"compact_shared_{frames}")}


def golden_state(name):
    """State dict of a whole network's file, under the authors' keys."""
    arrays = golden_network(name)
    return {key[3:]: array for key, array in arrays.items() if key.startswith("sd.")}


def golden_bytes(name):
    """Content of a compressed file."""
    return lzma.decompress((FOLDER / f"{name}.xz").read_bytes())


def golden_json(name):
    """Content of a compressed JSON file."""
    return json.loads(golden_bytes(f"{name}.json"))


def channels_last(maps):
    """(..., C, H, W) -> (..., H, W, C)."""
    return np.moveaxis(maps, -3, -1)


def convolution_kernel(kernel):
    """(out, in, kh, kw) -> (kh, kw, in, out)."""
    return np.transpose(kernel, (2, 3, 1, 0))


def relative_difference(actual, expected):
    """Largest difference, in units of the largest expected value."""
    return np.abs(actual - expected).max() / np.abs(expected).max()
