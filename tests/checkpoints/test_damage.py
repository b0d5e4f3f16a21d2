"""Fuzzing with 2,000 damaged checkpoints: each is refused or read correctly."""

import io

import numpy as np
import pytest
from damage import damaged
from golden_files import FOLDER, golden

from pan_keras.checkpoints import read_state_dict
from pan_keras.checkpoints.safetensors import write_safetensors
from pan_keras.errors import UserError

EACH = 500


def checkpoint(kind):
    """Bytes of a valid file."""
    if kind.startswith("torch"):
        return (FOLDER / f"{kind}.pth.tar").read_bytes()
    arrays = {key: np.ascontiguousarray(array) for key, array in golden("torch_expected").items()}
    file = io.BytesIO()
    if kind == "safetensors":
        write_safetensors(arrays, file)
    else:
        np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "checksums"),
    [("torch_legacy", False), ("torch_zip", True), ("safetensors", False), ("npz", True)],
)
def test_a_damaged_file_is_refused_or_read(kind, checksums, tmp_path):
    content = checkpoint(kind)
    file = tmp_path / "good"
    file.write_bytes(content)
    good = read_state_dict(file)
    outcomes = {"refused": 0, "read": 0}
    for name, variant in damaged(content, EACH, seed=7):
        file = tmp_path / name
        file.write_bytes(variant)
        try:
            state = read_state_dict(file)
        except UserError as error:
            assert str(error).startswith(f"{file}: ")
            outcomes["refused"] += 1
        else:
            assert sum(array.nbytes for array in state.values()) <= 2 * len(variant)
            if checksums:
                assert state.keys() == good.keys()
                for key, array in state.items():
                    np.testing.assert_array_equal(array, good[key])
            outcomes["read"] += 1
        file.unlink()
    assert sum(outcomes.values()) == EACH
    assert outcomes["refused"] > EACH / 2
