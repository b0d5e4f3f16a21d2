"""Files and folders are replaced atomically."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest

from pan_keras import files
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting, replacing, replacing_folder

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


def test_a_full_disk_gives_one_sentence(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(UserError, match="disk is full"), replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not path.exists()


def test_a_folder_replaces_the_earlier_one_as_a_whole(tmp_path):
    path = tmp_path / "deep" / "bundle"
    for name in ("old", "new"):
        with replacing_folder(path) as temporary:
            (temporary / name).write_text(name)
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_replaced_on_systems_without_an_atomic_swap(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    test_a_folder_replaces_the_earlier_one_as_a_whole(tmp_path)

    # After a kill between the two steps, the earlier folder is beside.
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


def test_a_reader_never_sees_a_part_of_a_file(tmp_path):
    path, done, seen = tmp_path / "a.bin", Event(), set()
    contents = [bytes([value]) * 1_000_000 for value in (1, 2)]
    path.write_bytes(contents[0])

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = Thread(target=read)
    reader.start()
    try:
        for turn in range(60):
            with replacing(path) as temporary:
                temporary.write_bytes(contents[turn % 2])
    finally:
        done.set()
        reader.join(timeout=60)
    assert seen <= set(contents)


def test_the_replacement_is_the_written_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with path.open(), replacing(path) as temporary:
        temporary.write_text("new")
        written = temporary.stat().st_ino
    assert path.stat().st_ino == written
    with replacing_folder(tmp_path / "folder") as temporary:
        written = temporary.stat().st_ino
    assert (tmp_path / "folder").stat().st_ino == written


@pytest.fixture
def events(monkeypatch):
    """Records flushes and renames in order, by inode."""
    found = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def spy(name, move):
        def moving(path, target):
            found.append((name, path.stat().st_ino))
            return move(path, target)

        return moving

    monkeypatch.setattr(
        os, "fsync", lambda file: (found.append(("fsync", os.fstat(file).st_ino)), fsync(file))
    )
    monkeypatch.setattr(Path, "replace", spy("move", replace))
    monkeypatch.setattr(Path, "rename", spy("move", rename))
    return found


def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_name_after(tmp_path, events):
    path = tmp_path / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
    number = path.stat().st_ino
    assert events == [("fsync", number), ("move", number), ("fsync", tmp_path.stat().st_ino)]


def test_a_folder_is_on_the_disk_with_all_in_it_before_it_takes_its_place(tmp_path, events):
    path = tmp_path / "bundle"
    with replacing_folder(path) as temporary:
        (temporary / "vectors").mkdir()
        (temporary / "vectors" / "a").write_text("a")
        (temporary / "b").write_text("b")
    moved = events.index(("move", path.stat().st_ino))
    before = {number for _, number in events[:moved]}
    everything = [path, path / "vectors", path / "vectors" / "a", path / "b"]
    assert before == {each.stat().st_ino for each in everything}
    assert events[moved + 1 :] == [("fsync", tmp_path.stat().st_ino)]


def test_threads_that_write_one_file_do_not_disturb_each_other(tmp_path):
    path, together = tmp_path / "a.txt", Barrier(4, timeout=60)

    def write(text):
        with replacing(path) as temporary:
            temporary.write_text(text)
            together.wait()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, ["a" * 1000, "b" * 1000, "c" * 1000, "d" * 1000]))
    assert len(set(path.read_text())) == 1
    assert len(path.read_text()) == 1000
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_that_write_one_folder_lose_nothing(tmp_path):
    path = tmp_path / "bundle"
    program = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    processes = [
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    try:
        # Both write continuously; each line is a folder that was put in place completely.
        for _ in range(30):
            for process in processes:
                assert process.stdout.readline(), process.stderr.read().decode()
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate(timeout=60)
    assert sorted(file.name for file in path.iterdir()) == sorted([*map(str, range(20)), "end"])
    with replacing_folder(path) as temporary:
        (temporary / "next").write_text("next")
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_another_active_writer_are_kept(tmp_path, monkeypatch):
    path = tmp_path / "bundle"
    for swap in (files._exchange, lambda one, other: False):
        monkeypatch.setattr(files, "_exchange", swap)
        with replacing_folder(path) as first:
            (first / "first").write_text("first")
            with replacing_folder(path) as second:
                (second / "second").write_text("second")
            assert [file.name for file in path.iterdir()] == ["second"]
        assert [file.name for file in path.iterdir()] == ["first"]
        assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_folder_is_replaced_and_the_folder_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "old").write_text("old")
    (tmp_path / "bundle").symlink_to("real")
    with replacing_folder(tmp_path / "bundle") as temporary:
        (temporary / "new").write_text("new")
    assert (tmp_path / "bundle" / "new").read_text() == "new"
    assert (tmp_path / "real" / "old").read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bundle", "real"]


def test_an_output_is_recognised_as_input_under_any_name(tmp_path, monkeypatch):
    clip = tmp_path / "clip.mp4"
    clip.write_text("clip")
    (tmp_path / "link.mp4").symlink_to(clip)
    os.link(clip, tmp_path / "hard.mp4")
    (tmp_path / "videos").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = ["clip.mp4", "link.mp4", "hard.mp4", "./videos/clip.mp4", str(clip)]
    for output in names:
        for given in names:
            with pytest.raises(UserError, match="would be overwritten; name another output"):
                refuse_overwriting(output, ["absent", given])
    with pytest.raises(UserError, match="would be overwritten"):
        refuse_overwriting("videos", [tmp_path])
    refuse_overwriting("other.mp4", names)
    refuse_overwriting("absent", ["absent"])
