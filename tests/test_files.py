"""A file is replaced as a whole or not at all."""

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pan_keras import files
from pan_keras.errors import UserError
from pan_keras.files import replacing, replacing_folder

ROOT = Path(__file__).parent.parent


def test_the_new_content_replaces_the_old(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
            assert temporary.suffix == ".txt"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_old(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(UserError, match="disk is full"), replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not path.exists()


def test_a_folder_takes_the_place_of_the_earlier_one_as_a_whole(tmp_path):
    path = tmp_path / "deep" / "bundle"
    for name in ("old", "new"):
        with replacing_folder(path) as temporary:
            (temporary / name).write_text(name)
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_takes_its_place_where_the_system_cannot_swap(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    test_a_folder_takes_the_place_of_the_earlier_one_as_a_whole(tmp_path)

    # Killed between the two steps, the earlier folder waits beside.
    path = tmp_path / "deep" / "bundle"
    path.rename(path.with_name(".bundle.earlier"))
    with pytest.raises(RuntimeError), replacing_folder(path):
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_earlier_folder(tmp_path):
    path = tmp_path / "bundle"
    path.mkdir()
    (path / "old").write_text("old")
    with (
        pytest.raises(UserError, match=r"disk is full.*untouched"),
        replacing_folder(path) as temporary,
    ):
        (temporary / "half").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_way_is_left_alone(tmp_path):
    path = tmp_path / "bundle"
    path.write_text("mine")
    with pytest.raises(UserError, match="in the way"), replacing_folder(path):
        pass
    assert path.read_text() == "mine"


WRITE_FOR_EVER = """
import sys
from itertools import count
from pan_keras.files import replacing_folder

for version in count():
    with replacing_folder(sys.argv[1]) as folder:
        for number in range(20):
            (folder / f"{number}").write_text(f"{version}" * 1000)
        (folder / "end").write_text("end")
    print(version, flush=True)
"""


@pytest.mark.parametrize("turn", range(8))
def test_a_killed_process_leaves_one_whole_folder(tmp_path, turn):
    path = tmp_path / "bundle"
    program = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT) as process:
        process.stdout.readline()
        time.sleep(0.007 * turn)
        process.kill()
    assert sorted(file.name for file in path.iterdir()) == sorted([*map(str, range(20)), "end"])
    assert len({(path / f"{number}").read_text() for number in range(20)}) == 1

    with replacing_folder(path) as temporary:
        (temporary / "next").write_text("next")
    assert list(tmp_path.iterdir()) == [path]
