"""The data identity of a run is reproducible and detects every change."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pan_keras.data.opening import ListedClip
from pan_keras.data.roots import data_root, relative
from pan_keras.runs.data_changes import DataChanges, data_changes, named
from pan_keras.runs.data_identity import (
    DataIdentity,
    RunClip,
    identity_from_csv,
)

BOUNDED = settings(max_examples=50, deadline=None, derandomize=True)
# Any valid file name, including lone surrogates for bytes that are not UTF-8.
NAMES = st.text(
    st.one_of(
        st.characters(exclude_characters="\0/", exclude_categories=("Cs",)),
        st.sampled_from('\udc80\udcff\r\n,"; '),
    ),
    min_size=1,
    max_size=12,
)
CLIPS = st.lists(
    st.builds(
        RunClip,
        path=st.lists(NAMES, min_size=1, max_size=3).map("/".join),
        label=NAMES,
        split=st.sampled_from(("train", "val", "test")),
        bytes=st.one_of(st.none(), st.integers(0, 2**50)),
        left_out=st.sampled_from(("", "no frames")),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda clip: clip.path,
).map(tuple)


@BOUNDED
@given(CLIPS)
def test_the_table_is_read_as_written(clips):
    identity = DataIdentity(clips, Path("data"))
    stored = identity.to_csv().encode("utf-8", "surrogateescape")
    read = identity_from_csv(stored.decode("utf-8", "surrogateescape"), Path("data"))
    assert read == identity
    assert read.digest == identity.digest


@BOUNDED
@given(CLIPS, st.randoms(use_true_random=False))
def test_the_digest_is_independent_of_order_and_root(clips, random):
    shuffled = list(clips)
    random.shuffle(shuffled)
    one, other = DataIdentity(clips, Path("here")), DataIdentity(tuple(shuffled), Path("there"))
    assert one.digest == other.digest
    assert one.differing(other) == []


@BOUNDED
@given(
    CLIPS,
    st.data(),
    st.sampled_from(("path", "label", "split", "bytes", "left_out", "missing")),
)
def test_the_digest_detects_every_change(clips, data, field):
    place = data.draw(st.integers(0, len(clips) - 1))
    clip = clips[place]
    changes = {
        "path": clip.path + "x" * 40,
        "label": clip.label + "x",
        "split": "val" if clip.split == "train" else "train",
        "bytes": (clip.bytes or 0) + 1,
        "left_out": "" if clip.left_out else "no frames",
    }
    changed = () if field == "missing" else (replace(clip, **{field: changes[field]}),)
    others = DataIdentity((*clips[:place], *changed, *clips[place + 1 :]), Path("data"))
    own = DataIdentity(clips, Path("data"))
    assert own.digest != others.digest
    if field in ("path", "label", "split", "missing") or (field == "bytes" and clip.bytes):
        assert clip.path in own.differing(others)


def test_the_digest_is_the_same_in_every_process():
    program = (
        "from pathlib import Path\n"
        "from pan_keras.runs.data_identity import DataIdentity, RunClip\n"
        "clips = (RunClip('b.mp4', 'up', 'test', 7), RunClip('a.mp4', 'down', 'train', 5))\n"
        "print(DataIdentity(clips, Path('.')).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 64


def test_tables_of_earlier_versions_are_read():
    read = identity_from_csv("path,label,split,seed\nup/a.mp4,up,val,0\n", Path("data"))
    assert read.clips == (RunClip("up/a.mp4", "up", "val"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "path,label\na,b\n",
        "path,label,split,seed\na,up,valid,0\n",
        "path,label,split,seed\na\n",
    ],
)
def test_another_table_is_refused(text):
    with pytest.raises(ValueError, match=r"columns|damaged"):
        identity_from_csv(text, Path("data"))


def write(root, **contents):
    for name, content in contents.items():
        (root / f"{name}.mp4").write_bytes(content)


def recorded(root):
    clips = [
        RunClip(file.name, "up", split, file.stat().st_size)
        for file, split in zip(sorted(root.iterdir()), ("train", "val", "test"), strict=False)
    ]
    return DataIdentity(tuple(clips), root)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, a=b"a", b=b"bb", c=b"cc")
    return folder


def test_a_clip_is_found_by_file_link_place_and_bytes(root, tmp_path):
    identity = recorded(root)
    link = tmp_path / "link.mp4"
    link.symlink_to(root / "a.mp4")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"cc")
    assert identity.find(root / "b.mp4").split == "val"
    assert identity.find(link).split == "train"
    assert identity.find(copy).split == "test"
    copy.write_bytes(b"cd")
    assert identity.find(copy) is None
    assert identity.find(tmp_path / "absent.mp4") is None


def test_data_that_were_moved_are_known_by_path_and_size(root, tmp_path):
    identity = recorded(root)
    moved = root.rename(tmp_path / "moved")
    assert identity.find(moved / "b.mp4") is None  # without a root, only names can be compared
    assert identity.find(moved / "b.mp4", moved).split == "val"
    (moved / "b.mp4").write_bytes(b"longer")
    assert identity.find(moved / "b.mp4", moved) is None


def test_name_and_size_are_not_enough_if_the_file_is_readable(root, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write(other, a=b"z")
    assert recorded(root).find(other / "a.mp4", other) is None


def test_every_kind_of_change_is_reported(root):
    identity = recorded(root)
    same = {root / f"{name}.mp4": ListedClip("up", None) for name in "abc"}
    assert not data_changes(identity, same)
    write(root, b=b"longer", d=b"d")
    (root / "a.mp4").unlink()
    listed = {
        root / "b.mp4": ListedClip("down", None),
        root / "c.mp4": ListedClip("up", "train"),
        root / "d.mp4": ListedClip("up", None),
    }
    found = data_changes(identity, listed)
    assert found == DataChanges(
        added=("d.mp4",),
        gone=("a.mp4",),
        resized=("b.mp4",),
        relabelled=("b.mp4",),
        moved=("c.mp4",),
    )
    assert found.phrases()[0] == "1 clip (d.mp4) added"
    assert data_changes(identity, None) == DataChanges(gone=("a.mp4",), resized=("b.mp4",))


def test_only_the_first_names_are_listed():
    assert named("abcde") == "5 clips (a, b, c, ...)"
    assert named("abc") == "3 clips (a, b, c)"


def test_paths_are_relative_to_the_data_folder(tmp_path):
    (tmp_path / "list.csv").write_text("")
    assert data_root(tmp_path / "list.csv") == tmp_path
    assert data_root(tmp_path / "list.csv", "videos") == Path("videos")
    assert data_root(tmp_path, "ignored") == tmp_path
    assert data_root("motions", "videos") == Path("videos")
    assert data_root("motions") == Path("data/motions")
    assert relative(tmp_path / "a" / "b.mp4", tmp_path) == "a/b.mp4"
    assert relative(Path("/elsewhere/b.mp4"), tmp_path) == "/elsewhere/b.mp4"
