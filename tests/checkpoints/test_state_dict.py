"""Files written by torch.save, safetensors and NumPy give the same arrays."""

import json

import numpy as np
import pytest
from golden_files import FOLDER, golden, golden_bytes

from pan_keras import models
from pan_keras.checkpoints import read_state_dict, save_state_dict, state_dict_of
from pan_keras.checkpoints.safetensors import write_safetensors
from pan_keras.checkpoints.torch_files import write_torch
from pan_keras.errors import UserError

LEGACY_CUDA = "tinybasic_lite_trained_with_momentum_legacy_cuda.pth.tar"


@pytest.mark.parametrize("name", ["torch_legacy.pth.tar", "torch_zip.pth.tar"])
def test_a_file_of_torch_is_read_bit_by_bit(name):
    """Half, bfloat16, double and integers; views, transposed tensors, a parameter; momentum."""
    state, expected = read_state_dict(FOLDER / name), golden("torch_expected")
    assert state.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(state[key], array, strict=True)
        assert not state[key].flags.writeable or key == "bfloat16"


def test_a_checkpoint_of_the_authors_is_read(tmp_path):
    file = tmp_path / LEGACY_CUDA
    file.write_bytes(golden_bytes(LEGACY_CUDA))
    state = read_state_dict(file)
    assert len(state) == 78
    assert state["base_model.layer1.0.conv1.net.weight"].shape == (8, 8, 3, 3)
    # From the same training run as these steps, for which some full values are stored.
    steps = golden("train_steps_tinybasic_lite")
    np.testing.assert_array_equal(
        state["base_model.fc.pred.bias"], steps["after4.base_model.fc.pred.bias"]
    )


def test_arrays_of_numpy_are_read_without_their_prefix(tmp_path):
    arrays = {"module.a.weight": np.arange(6, dtype="float16").reshape(2, 3)}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "state.npz", **arrays)
        state = read_state_dict(tmp_path / "state.npz")
        np.testing.assert_array_equal(state["a.weight"], arrays["module.a.weight"], strict=True)


@pytest.mark.parametrize("name", ["absent.pth.tar", "."])
def test_paths_without_a_readable_file_are_refused(name, tmp_path):
    with pytest.raises(UserError, match="not readable"):
        read_state_dict(tmp_path / name)


@pytest.mark.parametrize(
    "prefix", ["module.module.", "model.", "_orig_mod.", "module._orig_mod.", "model.module.model."]
)
def test_prefixes_of_wrappers_are_removed(prefix, tmp_path):
    np.savez(tmp_path / "state.npz", **{f"{prefix}{key}": np.ones(1) for key in ("a", "model.b")})
    assert read_state_dict(tmp_path / "state.npz").keys() == {"a", "model.b"}


def test_prefixes_of_compiled_parts_are_removed(tmp_path):
    np.savez(tmp_path / "state.npz", **{"base._orig_mod.a": np.ones(1), "fc.b": np.ones(1)})
    assert read_state_dict(tmp_path / "state.npz").keys() == {"base.a", "fc.b"}


def test_a_prefix_of_only_some_weights_is_kept(tmp_path):
    np.savez(tmp_path / "state.npz", **{"model.a": np.ones(1), "criterion.b": np.ones(1)})
    assert read_state_dict(tmp_path / "state.npz").keys() == {"model.a", "criterion.b"}


def test_names_that_would_collide_are_refused(tmp_path):
    np.savez(tmp_path / "state.npz", **{"a._orig_mod.b": np.ones(1), "a.b": np.ones(1)})
    with pytest.raises(UserError, match=r"state\.npz: two of its weights have the same name"):
        read_state_dict(tmp_path / "state.npz")


# NumPy has no bfloat16, so it is read and written as float32.
ARRAYS = {key: np.ascontiguousarray(array) for key, array in golden("torch_expected").items()}


@pytest.mark.parametrize("write", [write_torch, write_safetensors])
def test_a_round_trip_is_exact_to_the_bit(write, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        write(ARRAYS, file)
    state = read_state_dict(tmp_path / "file")
    assert list(state) == list(ARRAYS)
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(state[key], array, strict=True)


def test_torch_reads_the_written_files(tmp_path):
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


def test_counts_of_batches_are_those_given():
    model = models.create("pan_lite_micro", classes=3, size=32)
    key = "base_model.bn1.num_batches_tracked"
    assert state_dict_of(model)[key] == 0
    assert state_dict_of(model, counts={key: 40})[key] == 40
    assert key not in state_dict_of(model, counts={})
    assert state_dict_of(model)[key].dtype == "int64"


def test_an_unknown_file_extension_is_refused(tmp_path):
    model = models.create("tsn_micro", classes=3, size=32)
    with pytest.raises(UserError, match=r"the name must end in \.pth, \.pt, \.tar, \.safetensors"):
        save_state_dict(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
