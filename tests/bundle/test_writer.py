"""A bundle replaces an earlier one as a whole or not at all."""

import errno
from pathlib import Path

import pytest
from bundles import make_bundle

from pan_keras.bundle import writer
from pan_keras.bundle.embedded import embed
from pan_keras.errors import UserError
from pan_keras.runtime import verify


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


def test_a_bundle_that_fails_verification_is_not_written(own_bundle, monkeypatch):
    before = times(own_bundle)

    def forgetful(file_format, content, facts):
        return embed(file_format, content, {**facts, "labels": []})

    monkeypatch.setattr(writer, "embed", forgetful)
    with pytest.raises(UserError, match=r"fails its verification.*facts"):
        make_bundle(own_bundle)
    assert times(own_bundle) == before


def test_a_bundle_replaces_an_earlier_one(own_bundle):
    before = times(own_bundle)
    (own_bundle / ".DS_Store").write_text("left by a file manager")
    make_bundle(own_bundle)
    assert times(own_bundle).keys() == before.keys()
    assert not any(finding.problems for finding in verify(own_bundle))


@pytest.mark.parametrize("name", ["notes.txt", "vectors/mine.u8", "wave/clip.mp4"])
def test_a_bundle_with_foreign_files_is_not_replaced(own_bundle, name):
    (own_bundle / name).parent.mkdir(exist_ok=True)
    (own_bundle / name).write_text("mine")
    with pytest.raises(UserError, match=f"holds {name}, which is not part of the bundle"):
        make_bundle(own_bundle)
    assert (own_bundle / name).read_text() == "mine"


@pytest.mark.parametrize(
    "facts",
    ["{}", "[]", "3", "{", '{"files": 3}', '{"files": [], "artefacts": [3]}', "[" * 100_000],
)
def test_a_folder_with_a_foreign_model_json_is_not_replaced(tmp_path, facts):
    (tmp_path / "model.json").write_text(facts)
    with pytest.raises(UserError, match="something other than a bundle"):
        make_bundle(tmp_path)
    assert (tmp_path / "model.json").read_text() == facts
