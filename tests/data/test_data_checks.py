"""Detection of files listed under two names and of duplicate files."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from video_files import moving_frames, write_frames, write_video

from pan_keras.data import data_checks
from pan_keras.data.data_checks import SAMPLE, identical_files
from pan_keras.data.folder_source import list_folder
from pan_keras.data.inspection import inspect_clips
from pan_keras.data.listing import refuse_repeats
from pan_keras.errors import UserError


@pytest.fixture
def root(tmp_path):
    for name in ("train/left/0.mp4", "train/right/1.mp4", "test/left/2.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("make", [os.link, os.symlink], ids=["hard", "symbolic"])
@pytest.mark.parametrize("place", ["train/right/0.mp4", "test/left/0.mp4"])
def test_a_file_in_two_classes_or_splits_is_refused_with_both_names(make, place, root):
    make(root / "train/left/0.mp4", root / place)
    with pytest.raises(UserError, match="is the same file as") as caught:
        refuse_repeats(list_folder(root))
    assert str(root / "train/left/0.mp4") in str(caught.value)
    assert str(root / place) in str(caught.value)


def test_a_split_that_links_to_another_is_refused(root):
    (root / "val").symlink_to(root / "test")
    with pytest.raises(UserError, match="in another class or split"):
        refuse_repeats(list_folder(root))


def test_a_second_name_in_one_class_and_split_does_not_count(root):
    (root / "train/left/+.mp4").symlink_to(root / "train/left/0.mp4")
    listing = list_folder(root)
    refuse_repeats(listing)
    assert len(listing.labels) == len(listing.splits) == 3
    assert root / "train/left/0.mp4" in listing.labels
    assert listing.ignored == {"additional names of a file": 1}


@pytest.fixture
def files(tmp_path):
    """Two pairs of duplicates and a third file, all of equal size, and one of another size."""
    size = 3 * SAMPLE
    made = {}
    for name, place in (("a", 0), ("b", size // 2), ("c", size - 1), ("d", 0), ("e", size // 2)):
        content = bytearray(size)
        content[place] = 1
        made[name] = tmp_path / name
        made[name].write_bytes(content)
    made["f"] = tmp_path / "f"
    made["f"].write_bytes(bytes(size + 1))
    return made


def test_files_are_copies_if_all_their_bytes_agree(files, tmp_path):
    assert identical_files([*files.values(), tmp_path / "absent"]) == [
        (files["a"], files["d"]),
        (files["b"], files["e"]),
    ]


def test_the_search_reads_at_most_its_limit_of_bytes(files):
    opened = 5 * 2 * SAMPLE
    assert identical_files(files.values(), most=opened - 1) == []
    assert identical_files(files.values(), most=opened) == []
    assert len(identical_files(files.values(), most=opened + 12 * SAMPLE)) == 2


def test_files_of_different_sizes_are_not_opened(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in "abc"]
    for length, path in enumerate(paths):
        path.write_bytes(bytes(length))
    monkeypatch.setattr("pan_keras.data.data_checks._Reader.ends", lambda *_: pytest.fail("opened"))
    assert identical_files(paths) == []


def test_sizes_that_are_known_are_not_asked_again(files, monkeypatch):
    sizes = {path: number for number, path in enumerate(files.values())}
    monkeypatch.setattr("pan_keras.data.data_checks.clip_bytes", lambda _: pytest.fail("asked"))
    assert identical_files(files.values(), sizes=sizes) == []


def test_copies_of_folders_of_frames_are_found(tmp_path):
    frames = moving_frames(4, 32, 32)
    one, other = (write_frames(tmp_path / name, frames) for name in ("a", "b"))
    changed = write_frames(tmp_path / "c", frames)
    assert identical_files([one, other, changed]) == [(one, other, changed)]
    content = bytearray((changed / "00002.png").read_bytes())
    content[-20] ^= 1
    (changed / "00002.png").write_bytes(content)
    assert identical_files([changed, other, one]) == [(one, other)]
    assert identical_files([one, other], most=100) == []


def inspected(folder):
    paths = sorted(folder.glob("*.mp4"))
    found = inspect_clips(paths, folder, progress=lambda *_: None)
    return paths, found.index


def counting(monkeypatch):
    read, files_of = [], data_checks._files
    monkeypatch.setattr(data_checks, "_files", lambda path: read.append(path) or files_of(path))
    return read


def test_compared_clips_are_not_read_again_unless_they_change(tmp_path, monkeypatch):
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "a.mp4", moving_frames(4))
    for name in "bcd":
        shutil.copy(folder / "a.mp4", folder / f"{name}.mp4")
    other = bytearray((folder / "a.mp4").read_bytes())
    other[-1] ^= 1  # in the box that ends the file
    (folder / "c.mp4").write_bytes(other)
    paths, index = inspected(folder)
    read = counting(monkeypatch)
    copies = [(paths[0], paths[1], paths[3])]
    assert identical_files(paths, index=index) == copies
    assert set(read) == set(paths)
    read.clear()
    paths, index = inspected(folder)
    assert identical_files(paths, index=index) == copies
    assert read == []
    (folder / "c.mp4").write_bytes((folder / "a.mp4").read_bytes())
    paths, index = inspected(folder)
    assert identical_files(paths, index=index) == [tuple(paths)]
    assert set(read) == {paths[2]}


def test_a_search_that_ends_at_its_limit_is_continued_by_the_next(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    size = write_video(folder / "0.mp4", moving_frames(4)).stat().st_size
    for number in range(1, 4):
        shutil.copy(folder / "0.mp4", folder / f"{number}.mp4")
    paths, index = inspected(folder)
    found = []
    for _ in range(5):  # ends of two files, then of two more, and so on
        found.append(identical_files(paths, most=2 * size, index=index))
    assert found[0] == []
    assert found[-1] == [tuple(paths)]


def test_an_index_of_an_earlier_version_keeps_its_clips(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "a.mp4", moving_frames(4))
    shutil.copy(folder / "a.mp4", folder / "b.mp4")
    inspected(folder)
    with closing(sqlite3.connect(folder / ".clip_index.sqlite")) as connection:
        connection.execute("DROP TABLE digests")
    paths = sorted(folder.glob("*.mp4"))
    found = inspect_clips(paths, folder, progress=lambda *_: None)
    assert (found.known, found.words) == (2, ())
    assert identical_files(paths, index=found.index) == [tuple(paths)]
