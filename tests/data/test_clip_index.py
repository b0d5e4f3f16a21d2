"""The index on disk is valid until a clip changes, and its content is not trusted."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.data.clip_index import (
    CLIP_INDEX,
    ClipIndex,
    KnownClip,
    cache_folder,
    open_clip_index,
)
from pan_keras.data.index_file import IndexFile
from pan_keras.video import FileState, VideoInfo, frame_source
from pan_keras.video.packet_scan import frame_index

CLIP = KnownClip(VideoInfo(81, 30.0, 320, 240, -90, True), "2 frames are missing")
STATE = FileState(1000, 2**62)


@pytest.fixture
def index(tmp_path):
    return ClipIndex(tmp_path / CLIP_INDEX, tmp_path)


def reopened(index):
    return ClipIndex(index.file, index.file.parent)


def test_a_clip_is_found_in_the_index_at_the_next_opening(index, tmp_path):
    path = tmp_path / "wave" / "a b.mp4"
    index.add(path, STATE, CLIP)
    index.flush()
    assert reopened(index).known({path: STATE, tmp_path / "other.mp4": STATE}) == {path: CLIP}
    assert reopened(index).words == []


@pytest.mark.parametrize("state", [FileState(1001, 2**62), FileState(1000, 2**62 - 1)])
def test_a_changed_clip_is_not_taken_from_the_index(state, index, tmp_path):
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    assert reopened(index).known({tmp_path / "a.mp4": state}) == {}
    again = reopened(index)
    again.add(tmp_path / "a.mp4", state, CLIP)
    again.flush()
    assert reopened(index).known({tmp_path / "a.mp4": state}) == {tmp_path / "a.mp4": CLIP}


def test_the_index_stays_valid_when_data_are_moved(index, tmp_path):
    index.add(tmp_path / "wave/a.mp4", STATE, CLIP)
    index.flush()
    moved = tmp_path / "moved"
    moved.mkdir()
    index.file.rename(moved / CLIP_INDEX)
    there = moved / "wave/a.mp4"
    assert ClipIndex(moved / CLIP_INDEX, moved).known({there: STATE}) == {there: CLIP}


def test_frame_indexes_come_back_and_are_used_instead_of_reading(index, tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", moving_frames(30), g=7)
    source = frame_source(path)
    state = source.state()
    index.add(path, state, KnownClip(source.info()), source.index)
    index.flush()
    found = reopened(index).find(path, *state)
    assert np.array_equal(found.times, frame_index(path).times)
    assert reopened(index).find(path, state.size, state.changed + 1) is None
    assert reopened(index).find(tmp_path / "b.mp4", *state) is None


def test_paths_outside_the_root_are_neither_kept_nor_found(index, tmp_path):
    outside = tmp_path.parent / "elsewhere.mp4"
    index.add(outside, STATE, CLIP)
    index.add(tmp_path / ".." / "elsewhere.mp4", STATE, CLIP)
    index.add(Path("/etc/passwd"), STATE, CLIP)
    index.flush()
    assert not index.file.exists()
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    with sqlite3.connect(index.file) as database:
        database.execute("UPDATE clips SET path = '../elsewhere.mp4'")
    assert reopened(index).known({outside: STATE}) == {}


HOSTILE = {
    "frames": (0, -1, 2**40, "many", None, 2.5),
    "rate": (-1.0, float("inf"), "fast", None),
    "width": (0, -320, 10**9, None),
    "height": (1, 2**30),
    "rotation": (45, "up"),
    "mirrored": (2, None),
    "remark": ("\x1b[2J", b"\xff", "x" * 1000),
}


@pytest.mark.parametrize(
    ("column", "value"), [(name, value) for name, values in HOSTILE.items() for value in values]
)
def test_impossible_values_in_the_index_are_ignored(column, value, index, tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for path in paths:
        index.add(path, STATE, CLIP)
    index.flush()
    with sqlite3.connect(index.file) as database:
        database.execute(f"UPDATE clips SET {column} = ? WHERE path = 'a.mp4'", (value,))
    assert reopened(index).known(dict.fromkeys(paths, STATE)) == {paths[1]: CLIP}


@pytest.mark.parametrize("content", [b"garbage", b"", None, "numbers"])
def test_a_damaged_frame_index_is_read_from_the_file(content, index, tmp_path):
    path = write_video(tmp_path / "a.mp4", moving_frames(30))
    state = frame_source(path).state()
    index.add(path, state, CLIP, frame_index(path))
    index.flush()
    with sqlite3.connect(index.file) as database:
        database.execute("UPDATE frame_indexes SET content = ?", (content,))
    assert reopened(index).find(path, *state) is None


def damage(file, kind):
    if kind == "text":
        file.write_text("no database, but a text that is long enough to be one" * 100)
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    elif kind == "scrambled":
        content = bytearray(file.read_bytes())
        content[100:] = os.urandom(len(content) - 100)
        file.write_bytes(content)
    elif kind == "foreign":
        file.unlink()
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE bookmarks (url TEXT)")
    elif kind == "trigger":
        with sqlite3.connect(file) as database:
            database.execute(
                "CREATE TRIGGER evil AFTER INSERT ON clips BEGIN DELETE FROM clips; END"
            )
    elif kind == "link":
        target = file.with_name("precious.sqlite")
        file.rename(target)
        file.symlink_to(target)
    else:
        with sqlite3.connect(file) as database:
            database.execute(
                "PRAGMA user_version = 99"
                if kind == "version"
                else "UPDATE about SET made_by = 'libavcodec 1.2.3'"
            )


KINDS = ("text", "cut", "scrambled", "foreign", "trigger", "link", "version", "library")


@pytest.mark.parametrize("kind", KINDS)
def test_a_foreign_index_is_rebuilt_with_a_warning(kind, index, tmp_path):
    paths = [tmp_path / f"{number}.mp4" for number in range(200)]
    for path in paths:
        index.add(path, STATE, CLIP)
    index.flush()
    index._file._close()
    damage(index.file, kind)
    again = reopened(index)
    assert again.known(dict.fromkeys(paths, STATE)) == {}
    (word,) = again.words
    assert word.startswith(f"{index.file}: the index of clips will be rebuilt (")
    again.add(paths[0], STATE, CLIP)
    again.flush()
    assert reopened(index).known(dict.fromkeys(paths, STATE)) == {paths[0]: CLIP}
    assert reopened(index).words == []
    assert kind != "link" or (tmp_path / "precious.sqlite").stat().st_size > 5000


def test_a_folder_in_place_of_the_index_only_disables_it(index, tmp_path):
    index.file.mkdir()
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    assert index.known({tmp_path / "a.mp4": STATE}) == {}
    assert "the index of clips cannot be used" in index.words[-1]


def test_a_full_disk_only_disables_the_index(index, tmp_path):
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    index._file.attempt(lambda database: database.execute("PRAGMA max_page_count = 9"), None)
    for number in range(500):
        index.add(tmp_path / f"{number}.mp4", STATE, CLIP)
    index.flush()
    index.flush()
    (word,) = index.words
    assert "cannot be used (database or disk is full), so files will be read again" in word
    assert reopened(index).known({tmp_path / "a.mp4": STATE}) == {tmp_path / "a.mp4": CLIP}
    assert reopened(index).known({tmp_path / "7.mp4": STATE}) == {}


def add_many(file, first):
    index = ClipIndex(file, file.parent)
    for number in range(first, first + 60):
        index.add(file.parent / f"{number}.mp4", STATE, CLIP)
        index.flush()
    assert index.words == []


def test_processes_write_at_the_same_time(index, tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=add_many, args=(index.file, 30 * number)) for number in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    states = {tmp_path / f"{number}.mp4": STATE for number in range(120)}
    assert len(index.known(states)) == 120


def test_waiting_for_another_writer_has_a_time_limit(index, tmp_path, monkeypatch):
    monkeypatch.setattr("pan_keras.data.index_file.PATIENCE", 0.1)
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    other = sqlite3.connect(index.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    again = reopened(index)
    for _ in range(3):
        assert again.known({tmp_path / "a.mp4": STATE}) == {}
    assert "database is locked" in again.words[0]
    other.execute("ROLLBACK")
    other.close()
    assert reopened(index).known({tmp_path / "a.mp4": STATE})


def test_a_killed_writer_leaves_complete_records(index, tmp_path):
    index.add(tmp_path / "a.mp4", STATE, CLIP)
    index.flush()
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=die_in_the_middle, args=(index.file,))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 9
    assert reopened(index).known({tmp_path / "a.mp4": STATE}) == {tmp_path / "a.mp4": CLIP}
    assert reopened(index).words == []


def die_in_the_middle(file):
    database = IndexFile(file)

    def work(connection):
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE clips SET size = 7")
        for number in range(5000):
            connection.execute("INSERT INTO clips (path) VALUES (?)", (f"{number}.mp4",))
        os._exit(9)

    database.attempt(work, None)


def test_the_index_is_beside_the_data_or_else_in_the_cache(tmp_path):
    path = tmp_path / "wave/a.mp4"
    assert open_clip_index(tmp_path, [path]).file == tmp_path / CLIP_INDEX
    tmp_path.chmod(0o555)
    cached = open_clip_index(tmp_path, [path])
    tmp_path.chmod(0o755)
    assert cached.file.parent == cache_folder()
    assert cached.holds(path)
    elsewhere = tmp_path.parent / "b.mp4"
    scattered = open_clip_index(tmp_path, [path, elsewhere])
    assert scattered.file.parent == cache_folder()
    assert scattered.file != cached.file
    scattered.add(elsewhere, STATE, CLIP)
    scattered.flush()
    again = open_clip_index(tmp_path, [path, elsewhere])
    assert again.known({elsewhere: STATE}) == {elsewhere: CLIP}


def test_a_read_only_index_is_copied_to_the_cache(index, tmp_path):
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    index.add(paths[0], STATE, CLIP)
    index.flush()
    before = index.file.read_bytes()
    tmp_path.chmod(0o555)
    own = open_clip_index(tmp_path, paths)
    assert own.known(dict.fromkeys(paths, STATE)) == {paths[0]: CLIP}
    own.add(paths[1], STATE, CLIP)
    own.flush()
    assert len(open_clip_index(tmp_path, paths).known(dict.fromkeys(paths, STATE))) == 2
    tmp_path.chmod(0o755)
    assert index.file.read_bytes() == before
