"""What is written for PyTorch is what was read."""

import json

import numpy as np
import pytest
from golden_files import golden

from pan_keras import models
from pan_keras.checkpoints import read_state_dict, save_state_dict, state_dict_of
from pan_keras.checkpoints.safetensors import write_safetensors
from pan_keras.checkpoints.torch_files import write_torch
from pan_keras.errors import UserError

# NumPy has no bfloat16: it was read as float32, and is written so.
ARRAYS = {key: np.ascontiguousarray(array) for key, array in golden("torch_expected").items()}


@pytest.mark.parametrize("write", [write_torch, write_safetensors])
def test_what_is_written_is_read_again_to_the_bit(write, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        write(ARRAYS, file)
    state = read_state_dict(tmp_path / "file")
    assert list(state) == list(ARRAYS)
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(state[key], array, strict=True)


def test_torch_itself_reads_what_is_written(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is there for `make backends` alone")
    with (tmp_path / "state.pth").open("wb") as file:
        write_torch(ARRAYS, file)
    state = torch.load(tmp_path / "state.pth", weights_only=True)
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(state[key].numpy(), array, strict=True)


def test_a_safetensors_header_is_aligned_and_in_order(tmp_path):
    with (tmp_path / "state.safetensors").open("wb") as file:
        write_safetensors(ARRAYS, file)
    content = (tmp_path / "state.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert length % 8 == 0
    assert list(header) == list(ARRAYS)
    assert header["half"] == {
        "dtype": "F16",
        "shape": [3, 2],
        "data_offsets": header["half"]["data_offsets"],
    }


def test_counts_of_batches_are_those_that_are_given():
    model = models.create("pan_lite_micro", classes=3, size=32)
    key = "base_model.bn1.num_batches_tracked"
    assert state_dict_of(model)[key] == 0
    assert state_dict_of(model, counts={key: 40})[key] == 40
    assert key not in state_dict_of(model, counts={})
    assert state_dict_of(model)[key].dtype == "int64"


def test_an_ending_that_says_no_format_is_refused(tmp_path):
    model = models.create("tsn_micro", classes=3, size=32)
    with pytest.raises(UserError, match=r"end the name in \.pth, \.pt, \.tar, \.safetensors"):
        save_state_dict(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
