"""Reads a state_dict from NumPy's `.npz`, without pickle."""

import re

import numpy as np

from pan_keras.checkpoints.archive import Archive
from pan_keras.checkpoints.tensors import ELEMENT_TYPES, is_shape
from pan_keras.errors import CheckpointError

SUFFIX = ".npy"
# Magic bytes with the version, and the number of bytes that store the header's length.
LENGTHS = {b"\x93NUMPY\x01": 2, b"\x93NUMPY\x02": 4, b"\x93NUMPY\x03": 4}
LONGEST_HEADER = 10_000
# NumPy's own reader parses the header as a Python literal; for numeric arrays this pattern is
# sufficient.
HEADER = re.compile(
    rb"\{'descr': '([!-&(-~]*)', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18}(?:, \d{1,18})*,?)?)\), \}\s*"
)
# NumPy has no bfloat16: its layout would be mistaken for integers.
LAYOUTS = {element.numpy: element for element in ELEMENT_TYPES if not element.wide}


def read_numpy_archive(archive: Archive) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz` by name.

    Args:
        archive: The file.

    Raises:
        CheckpointError: If the file is damaged, or an array holds objects.
    """
    arrays = {}
    for name in archive.entries:
        if not name.endswith(SUFFIX):
            raise CheckpointError(f"its entry {name!r} is not an array")
        arrays[name.removesuffix(SUFFIX)] = _array(archive.read(name), name)
    return arrays


def _array(content: memoryview, name: str) -> np.ndarray:
    """Decodes one `.npy` entry."""
    width = LENGTHS.get(bytes(content[:7]))
    if width is None:
        raise CheckpointError(f"its entry {name!r} is not an array")
    start = 8 + width
    end = start + int.from_bytes(content[8:start], "little")
    found = HEADER.fullmatch(bytes(content[start : min(end, start + LONGEST_HEADER)]))
    if found is None:
        raise CheckpointError(
            f"its entry {name!r} has a header that is damaged or describes objects"
        )
    layout, fortran, sides = (part.decode() for part in found.groups())
    shape = tuple(int(side) for side in sides.split(",") if side.strip())
    if layout not in LAYOUTS:
        raise CheckpointError(
            f"its entry {name!r} has the type {layout!r}; use little-endian numbers"
        )
    if not is_shape(shape):
        raise CheckpointError(f"its entry {name!r} has an impossible shape")
    return LAYOUTS[layout].decode(content[end:], shape, "F" if fortran == "True" else "C")
