"""Splits are stratified, depend only on the seed, and are kept once recorded."""

import csv
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data.split import (
    SHARES,
    VAL_FROM_TRAIN,
    recorded_split,
    split_table,
    stratified_split,
)
from pan_keras.errors import UserError


def labels(root=Path(), **counts):
    return {
        root / f"{label}/{n}.mp4": label for label, count in counts.items() for n in range(count)
    }


def test_every_class_is_split_in_the_same_proportions():
    splits = stratified_split(labels(rare=20, common=200), 0, SHARES)
    for label, count in (("rare", 20), ("common", 200)):
        own = [split for path, split in splits.items() if path.parts[0] == label]
        assert own.count("test") == own.count("val") == 0.15 * count


def test_the_order_of_the_files_does_not_matter():
    files = labels(wave=30, clap=10)
    backwards = dict(reversed(files.items()))
    assert stratified_split(files, 0, SHARES) == stratified_split(backwards, 0, SHARES)


def test_other_seeds_give_other_splits():
    files = labels(wave=30)
    assert stratified_split(files, 0, SHARES) != stratified_split(files, 1, SHARES)


def test_the_training_split_comes_first_in_small_classes():
    assert set(stratified_split(labels(wave=1), 0, SHARES).values()) == {"train"}
    assert sorted(stratified_split(labels(wave=2), 0, SHARES).values()) == ["test", "train"]


counts = st.dictionaries(st.sampled_from(["a", "b", "c", "1", "01"]), st.integers(1, 40))
seeds = st.integers(0, 2**31)
shares = st.sampled_from([SHARES, VAL_FROM_TRAIN, {"test": 0.5, "val": 0.4}])


@given(counts, seeds, shares)
def test_every_clip_has_one_split_and_every_class_trains(counts, seed, shares):
    files = labels(**counts)
    splits = stratified_split(files, seed, shares)
    assert set(splits) == set(files)
    for label, count in counts.items():
        own = [splits[path] for path in files if files[path] == label]
        assert "train" in own
        for name, share in shares.items():
            assert own.count(name) <= max(1, round(share * count))
        if count > 2 and shares is SHARES:
            assert set(own) == {"train", *shares}


@given(counts, counts, st.tuples(seeds, seeds), shares)
def test_a_recorded_clip_keeps_its_split_whatever_is_added_or_removed(
    tmp_path_factory, before, after, seeds, shares
):
    root = tmp_path_factory.mktemp("data")
    record = root / "split.csv"
    first = recorded_split(labels(root, **before), seeds[0], shares, record)
    recorded_split(labels(root, **after), seeds[1], shares, record)
    grown = recorded_split(labels(root, **after), seeds[0], shares, record)
    again = recorded_split(labels(root, **before), seeds[0], shares, record)
    assert again == first
    assert all(first[path] == split for path, split in grown.items() if path in first)
    assert set(grown) == set(labels(root, **after))
    shutil.rmtree(root)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=8)


@given(st.dictionaries(names.filter(lambda name: name not in (".", "..")), names, max_size=8))
def test_arbitrary_names_survive_the_record(tmp_path_factory, named):
    root = tmp_path_factory.mktemp("data")
    record = root / "split.csv"
    files = {root / name: label for name, label in named.items()}
    splits = recorded_split(files, 3, SHARES, record)
    if files:
        assert record.read_bytes().decode() == split_table(files, splits, 3, root)
        with record.open(newline="", encoding="utf-8") as file:
            assert {root / row["path"] for row in csv.DictReader(file)} == set(files)
    written = {path: ("val" if split == "train" else "train") for path, split in splits.items()}
    record.write_bytes(split_table(files, written, 3, root).encode())
    assert recorded_split(files, 3, SHARES, record) == written
    shutil.rmtree(root)


def write_record(tmp_path, *lines):
    record = tmp_path / "split.csv"
    record.write_text("\n".join(["path,label,split,seed", *lines]), encoding="utf-8")
    return record


def test_another_seed_leaves_the_rows_of_the_first(tmp_path):
    record = tmp_path / "split.csv"
    files = labels(tmp_path, wave=20)
    first = recorded_split(files, 0, SHARES, record)
    other = recorded_split(files, 5, SHARES, record)
    assert first != other
    half = dict(list(files.items())[:10])
    more = recorded_split({**half, tmp_path / "wave/new.mp4": "wave"}, 0, SHARES, record)
    assert {path: more[path] for path in half} == {path: first[path] for path in half}
    assert recorded_split(files, 0, SHARES, record) == first
    assert recorded_split(files, 5, SHARES, record) == other
    assert len(record.read_text().splitlines()) == 1 + 20 + 20 + 1


def test_a_record_edited_by_hand_is_understood(tmp_path):
    record = write_record(
        tmp_path, "a.mp4,wave,validation,0", " b.mp4,wave,TEST, 0", "c.mp4,wave,Training,0"
    )
    files = dict.fromkeys((tmp_path / name for name in ("a.mp4", " b.mp4", "c.mp4")), "wave")
    assert list(recorded_split(files, 0, SHARES, record).values()) == ["val", "test", "train"]


def test_a_record_saved_by_a_spreadsheet_is_understood(tmp_path):
    record = tmp_path / "split.csv"
    record.write_bytes(b"\xef\xbb\xbfpath;label;split;seed\r\na.mp4;wave;val;0\r\n;;;\r\n")
    assert recorded_split({tmp_path / "a.mp4": "wave"}, 0, SHARES, record) == {
        tmp_path / "a.mp4": "val"
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.mp4,wave,dev,0"], "line 2: split is 'dev'; it must be train, val or test"),
        (["a.mp4,wave,train,0", "b.mp4,wa"], "line 3: split is None"),
        (["a.mp4,wave,train,zero"], "line 2: seed is 'zero'; it must be a whole number"),
        (["a.mp4,wave,train"], "line 2: seed is None"),
        ([",wave,train,0"], "line 2: the path is empty"),
        (
            ["a.mp4,wave,train,0", "a.mp4,wave,train,1", "a.mp4,wave,test,0"],
            "line 4: puts a.mp4 into test, but line 2 into train",
        ),
    ],
)
@pytest.mark.parametrize("seed", [0, 7])
def test_a_damaged_record_is_refused_with_its_line_and_stays(seed, lines, message, tmp_path):
    record = write_record(tmp_path, *lines)
    before = record.read_bytes()
    with pytest.raises(UserError, match=message):
        recorded_split({tmp_path / "new.mp4": "wave"}, seed, SHARES, record)
    assert record.read_bytes() == before


def test_an_empty_record_is_distinguished_from_no_record(tmp_path):
    record = tmp_path / "split.csv"
    record.touch()
    with pytest.raises(UserError, match="not the split that pan-keras wrote"):
        recorded_split(labels(tmp_path, wave=4), 0, SHARES, record)


@pytest.mark.parametrize("kind", ["folder", "fifo", "broken link"])
def test_a_foreign_file_in_place_of_the_record_is_not_replaced(kind, tmp_path):
    record = tmp_path / "split.csv"
    if kind == "folder":
        record.mkdir()
    elif kind == "fifo":
        os.mkfifo(record)
    else:
        record.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="not a file"):
        recorded_split(labels(tmp_path, wave=4), 0, SHARES, record)
    assert record.is_symlink() or record.exists()


def test_a_record_does_not_move_clips_that_the_data_give_themselves(tmp_path):
    record = write_record(tmp_path, "a.mp4,wave,test,0")
    with pytest.raises(
        UserError, match=r"line 2: puts .*a\.mp4 into test, but the data define test"
    ):
        recorded_split({tmp_path / "a.mp4": "wave"}, 0, VAL_FROM_TRAIN, record)


def test_a_read_only_record_is_read(tmp_path):
    record = write_record(tmp_path, "a.mp4,wave,val,0")
    record.chmod(0o444)
    before = record.read_bytes()
    files = {tmp_path / "a.mp4": "wave", tmp_path / "b.mp4": "wave"}
    assert recorded_split(files, 0, SHARES, record)[tmp_path / "a.mp4"] == "val"
    assert record.read_bytes() == before


def test_processes_that_open_one_folder_at_once_lose_no_row(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from pan_keras.data.split import SHARES, recorded_split\n"
        "root = Path(sys.argv[1])\n"
        "for seed in range(int(sys.argv[2]), 40, 4):\n"
        "    files = {root / f'{n}.mp4': 'wave' for n in range(10)}\n"
        "    recorded_split(files, seed, SHARES, root / 'split.csv')\n"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)], env=environment)
        for n in range(4)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0, 0]
    assert len((tmp_path / "split.csv").read_text().splitlines()) == 1 + 40 * 10
    assert [path.name for path in tmp_path.iterdir()] == ["split.csv"]


def test_waiting_for_a_record_held_by_another_process_has_a_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("pan_keras.files.PATIENCE", 0.2)
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="another process has held it"):
        recorded_split(labels(tmp_path, wave=4), 0, SHARES, tmp_path / "split.csv")
    os.close(holder)
    assert len(recorded_split(labels(tmp_path, wave=4), 0, SHARES, tmp_path / "split.csv")) == 4
