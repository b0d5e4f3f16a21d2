"""Damaged checkpoints are detected and skipped."""

import errno

import keras
import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.training.checkpoints import Checkpoints


def variables(value):
    return [
        keras.Variable(np.full((3, 2), value, "float32"), name="w"),
        keras.Variable(7, name="n"),
    ]


def saved(folder, *steps):
    checkpoints = Checkpoints(folder)
    for step in steps:
        checkpoints.save(step, variables(float(step)), {"step": step})
    return checkpoints


def test_the_newest_checkpoint_is_restored(tmp_path):
    target = variables(0.0)
    assert saved(tmp_path, 10, 20).restore(target) == {"step": 20}
    np.testing.assert_array_equal(target[0].numpy(), np.full((3, 2), 20.0))
    assert int(target[1].numpy()) == 7


def test_the_two_newest_are_kept(tmp_path):
    saved(tmp_path, 10, 20, 30, 40)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "step-00000030.npz",
        "step-00000040.npz",
    ]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_a_damaged_newest_falls_back_and_says_so(tmp_path, damage):
    checkpoints = saved(tmp_path, 10, 20)
    newest = checkpoints.files()[0]
    content = bytearray(newest.read_bytes())
    if damage == "flipped":
        content[content.index(b"\x00\x00\xa0\x41")] ^= 0xFF
    newest.write_bytes(
        {"truncated": content[:-40], "empty": b"", "text": b"not a zip", "flipped": content}[damage]
    )
    target, warnings = variables(0.0), []
    assert checkpoints.restore(target, warn=warnings.append) == {"step": 10}
    assert len(warnings) == 1
    assert newest.name in warnings[0]
    assert target[0].numpy()[0, 0] == 10


def test_damaged_checkpoints_are_an_error_and_no_checkpoint_is_a_fresh_start(tmp_path):
    assert Checkpoints(tmp_path / "none").restore(variables(0.0)) is None
    checkpoints = saved(tmp_path, 10)
    checkpoints.files()[0].write_bytes(b"")
    with pytest.raises(UserError, match="every checkpoint is damaged"):
        checkpoints.restore(variables(0.0))


def test_another_models_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match="damaged"):
        saved(tmp_path, 10).restore(variables(0.0)[:1])


def test_a_full_disk_leaves_older_checkpoints_intact(tmp_path, monkeypatch):
    checkpoints = saved(tmp_path, 10)

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match="disk is full"):
        checkpoints.save(20, variables(20.0), {"step": 20})
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["step-00000010.npz"]
    assert checkpoints.restore(variables(0.0)) == {"step": 10}
