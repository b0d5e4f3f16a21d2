"""Clips in shards are read as any other clip; damage is named."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from shard_folders import flip_byte, make_shards
from video_files import moving_frames, write_frames, write_video

from pan_keras.errors import UserError
from pan_keras.video import (
    BrokenVideo,
    clip_bytes,
    frame_source,
    is_there,
    iterate_frames,
    motion_vectors,
    probe,
    read_frames,
)
from pan_keras.video import shard_file as shard_file_module
from pan_keras.video.shard_clip import ShardClip
from pan_keras.video.shard_file import (
    is_shard_folder,
    open_shard,
    shard_clips,
    shard_of,
    source_size,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("shards")
    for number, label in enumerate(("clap", "wave")):
        write_frames(place / "videos" / label / "frames", moving_frames(9, seed=number))
        write_video(place / "videos" / label / "b.mp4", moving_frames(12, seed=number + 5))
    make_shards(place / "videos", place / "shards", clips_per_shard=3)
    return place / "shards"


@pytest.fixture
def own_folder(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "shards")


def test_the_path_of_a_clip_is_a_name_below_its_shard(folder):
    clips = shard_clips(folder)
    assert [clip.relative_to(folder).as_posix() for clip in clips] == [
        "00000.arrayrecord/clap/b.mp4",
        "00000.arrayrecord/clap/frames",
        "00000.arrayrecord/wave/b.mp4",
        "00001.arrayrecord/wave/frames",
    ]
    assert shard_of(clips[0]) == (folder / "00000.arrayrecord", "clap/b.mp4")
    assert shard_of(folder / "a.mp4") is None
    assert is_shard_folder(folder)
    assert not is_shard_folder(folder.parent)


def test_a_clip_in_a_shard_is_read_as_any_other(folder):
    clip = shard_clips(folder)[0]
    assert isinstance(frame_source(clip), ShardClip)
    info = probe(clip)
    assert (info.frames, info.rate, info.width, info.height) == (12, 25.0, 64, 48)
    frames = read_frames(clip, [3, 0])
    videos = read_frames(folder.parent / "videos" / "clap" / "b.mp4", [3, 0])
    assert np.abs(frames.astype(int) - videos).mean() < 6
    assert len(list(iterate_frames(clip, transform=np.array))) == 12
    assert is_there(clip)
    assert not is_there(clip.with_name("absent.mp4"))
    assert clip_bytes(clip) == open_shard(clip.parents[1]).clips[0].bytes
    assert source_size(clip) == ("clap/b.mp4", clip_bytes(folder.parent / "videos/clap/b.mp4"))
    with pytest.raises(UserError, match="only a video file has motion vectors"):
        motion_vectors(clip, [1])


def test_threads_read_from_one_shard_at_once(folder):
    clips = shard_clips(folder)[:3] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda clip: read_frames(clip, [2, 5]), clips))
    for clip, frames in zip(clips, found, strict=True):
        np.testing.assert_array_equal(frames, read_frames(clip, [2, 5]))


def test_few_shards_are_open_at_once(folder, monkeypatch):
    monkeypatch.setattr(shard_file_module, "MOST_OPEN", 1)
    monkeypatch.setattr(shard_file_module, "_open", type(shard_file_module._open)())
    for clip in shard_clips(folder) * 2:
        read_frames(clip, [0])
        assert len(shard_file_module._open) == 1


def test_a_flipped_byte_is_found_when_the_clip_is_read(own_folder):
    clip = shard_clips(own_folder)[3]
    flip_byte(clip.parents[1], 0.5)
    with pytest.raises(BrokenVideo, match=r"its record in 00001.arrayrecord is damaged"):
        read_frames(clip, [0])


def test_a_missing_shard_or_list_is_named(own_folder):
    clip = shard_clips(own_folder)[0]
    (own_folder / "00000.json").unlink()
    with pytest.raises(BrokenVideo, match="there is no such shard, or no list of its clips"):
        len(frame_source(clip))
    (own_folder / "00000.arrayrecord").unlink()
    assert clip_bytes(clip) is None
    assert not is_there(clip)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("sha256"),
        lambda content: content.update(version=99),
        lambda content: content["clips"][0].pop("label"),
        lambda content: content["clips"][0].update(frames="9"),
        lambda content: content["clips"][0].update(path="../outside.mp4"),
        lambda content: content["clips"][0].update(command="rm"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(own_folder, change):
    file = own_folder / "00000.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"00000.json: damaged"):
        open_shard(file.with_suffix(".arrayrecord"))
    with pytest.raises(BrokenVideo, match="the list of the clips in its shard is damaged"):
        len(frame_source(own_folder / "00000.arrayrecord" / "clap/b.mp4"))
