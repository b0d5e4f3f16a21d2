"""A bundle takes its place as a whole."""

import errno
from pathlib import Path

import pytest
from bundles import make_bundle

from pan_keras.deploy import verify
from pan_keras.deploy.bundle import writer
from pan_keras.deploy.bundle.embedded import embed
from pan_keras.errors import UserError


def times(folder):
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*")}


@pytest.mark.parametrize("last", ["model_float32.tflite", "clip_1.u8", "model.json"])
def test_a_full_disk_leaves_the_earlier_bundle(own_bundle, monkeypatch, last):
    before, write = times(own_bundle), Path.write_bytes

    def until_full(path, content):
        if path.name == last:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(UserError, match="disk is full"):
        make_bundle(own_bundle)
    assert times(own_bundle) == before
    assert list(own_bundle.parent.iterdir()) == [own_bundle]


def test_what_does_not_verify_is_not_written(own_bundle, monkeypatch):
    before = times(own_bundle)

    def forgetful(file_format, content, facts):
        return embed(file_format, content, {**facts, "labels": []})

    monkeypatch.setattr(writer, "embed", forgetful)
    with pytest.raises(UserError, match=r"does not verify.*facts"):
        make_bundle(own_bundle)
    assert times(own_bundle) == before


def test_a_bundle_takes_the_place_of_an_earlier_one(own_bundle):
    (own_bundle / "notes.txt").write_text("of the earlier one")
    make_bundle(own_bundle)
    assert not (own_bundle / "notes.txt").exists()
    assert not any(finding.problems for finding in verify(own_bundle))
