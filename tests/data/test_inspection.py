"""Each clip is read once, and again only if it changes."""

import os
import threading

import numpy as np
import pytest
from video_files import moving_frames, write_frames, write_video

from pan_keras.data import inspection, open_data
from pan_keras.data.inspection import AHEAD, ProgressLines, inspect_clips
from pan_keras.errors import UserError
from pan_keras.input import FrameStore
from pan_keras.video import frame_reader, packet_scan
from pan_keras.video.folder_tree import CLIP_INDEX


@pytest.fixture
def root(tmp_path):
    for label in ("clap", "wave"):
        (tmp_path / label).mkdir()
        for number in range(4):
            write_video(tmp_path / label / f"{number}.mp4", moving_frames(5 + number, 32, 32))
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """Names of the video files that are read or decoded."""
    read = []

    really = packet_scan.opened

    def opened(path, *arguments):
        read.append(path.name if path.parent.name == "wave" else f"clap {path.name}")
        return really(path, *arguments)

    monkeypatch.setattr(packet_scan, "opened", opened)
    monkeypatch.setattr(frame_reader, "opened", opened)
    packet_scan._known.cache_clear()
    monkeypatch.setattr(packet_scan, "_kept", [])
    return read


def test_the_second_opening_reads_no_clip(root, reads):
    first = open_data(root)
    assert len(set(reads)) == 8
    reads.clear()
    packet_scan._known.cache_clear()
    second = open_data(root)
    assert reads == []
    assert (second.infos, second.all_clips) == (first.infos, first.all_clips)
    assert second.report() == first.report()
    assert second.report()["ignored"] == {}


def test_only_a_changed_clip_is_read_again(root, reads):
    open_data(root)
    write_video(root / "wave" / "2.mp4", moving_frames(9, 32, 32))
    write_video(root / "wave" / "new.mp4", moving_frames(3, 32, 32))
    (root / "clap" / "0.mp4").unlink()
    reads.clear()
    data = open_data(root)
    assert set(reads) == {"2.mp4", "new.mp4"}
    assert data.infos[root / "wave" / "2.mp4"].frames == 9
    assert len(data.all_clips) == 8


def test_decoding_takes_its_frame_index_from_the_disk(root, reads):
    open_data(root)
    packet_scan._known.cache_clear()
    reads.clear()
    store = FrameStore(resize=32)
    path = root / "wave" / "3.mp4"
    assert store.count(path) == 8
    assert reads == []
    assert store.frames(path, np.array([0, 7])).shape == (2, 32, 32, 3)
    assert reads == ["3.mp4"]


def test_an_interrupted_opening_keeps_the_clips_already_read(root, reads):
    def interrupt(what, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_data(root, progress=interrupt)
    assert not (root / "split.csv").exists()
    reads.clear()
    packet_scan._known.cache_clear()
    open_data(root)
    assert len(set(reads)) == 5


def test_an_interruption_waits_for_few_clips(root, reads, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    paths = sorted(root.glob("*/*.mp4"))

    def interrupt(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_clips(paths, root, progress=interrupt)
    assert len(set(reads)) <= AHEAD
    assert threading.active_count() < 50


def test_progress_includes_clips_known_from_the_index(root):
    told = []
    open_data(root, progress=lambda what, done, total: told.append((done, total)))
    assert told[-1] == (8, 8)
    (root / "wave" / "4.mp4").write_bytes((root / "wave" / "3.mp4").read_bytes())
    told.clear()
    open_data(root, progress=lambda what, done, total: told.append((done, total)))
    assert told == [(8, 9), (9, 9)]


def test_long_openings_report_progress(capsys):
    tell = ProgressLines(every=0)
    tell("checking videos", 12_000, 250_000)
    assert capsys.readouterr().err == "checking videos: 12,000 of 250,000\n"
    ProgressLines(every=100)("checking videos", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_broken_clip_is_read_again_each_time(root):
    path = root / "wave" / "2.mp4"
    content = path.read_bytes()
    path.write_bytes(content[:200])
    os.utime(path, ns=(5, 5))
    assert path not in open_data(root, max_broken=0.5).infos
    path.write_bytes(content[:200].ljust(len(content)))
    assert path not in open_data(root, max_broken=0.5).infos
    path.write_bytes(content)
    assert open_data(root).infos[path].frames == 7


def test_a_damaged_index_is_reported_and_rebuilt(root):
    before = open_data(root)
    (root / CLIP_INDEX).write_bytes(b"damaged" * 1000)
    data = open_data(root)
    assert data.infos == before.infos
    (word,) = (warning for warning in data.warnings if "index of clips" in warning)
    assert "will be rebuilt (file is not a database)" in word
    assert not any("index of clips" in warning for warning in open_data(root).warnings)


def test_refused_data_get_no_split_file(root):
    for path in (root / "wave").iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(UserError, match="4 of 8 videos are broken"):
        open_data(root)
    assert not (root / "split.csv").exists()


def test_a_folder_of_frames_is_indexed_until_a_frame_changes(tmp_path):
    for label in ("a", "b"):
        for number in range(3):
            write_frames(tmp_path / label / f"{number}", moving_frames(4, 32, 32))
    first = open_data(tmp_path)
    assert {info.frames for info in first.infos.values()} == {4}
    frame = tmp_path / "a" / "1" / "00001.png"
    write_frames(frame.parent, moving_frames(1, 40, 48))
    assert open_data(tmp_path).infos[frame.parent].width == 48
    frame.write_bytes(b"broken")
    assert frame.parent not in open_data(tmp_path, max_broken=0.5).infos


def test_progress_is_shown_while_states_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "CHUNK", 2)
    paths = [tmp_path / f"{number}.mp4" for number in range(5)]  # all missing
    calls = []
    found = inspect_clips(paths, tmp_path, progress=lambda *call: calls.append(call))
    assert len(found.broken) == 5
    told = [call for call in calls if call[0] == inspection.FINDING]
    assert [done for _, done, _ in told] == [2, 4, 5]
