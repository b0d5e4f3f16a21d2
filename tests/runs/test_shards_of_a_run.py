"""A run knows the shards it was trained on, and clips before and after they were stored."""

import shutil
from dataclasses import replace

import pytest
from shard_folders import make_shards

from pan_keras.data import open_data
from pan_keras.data.opening import list_data
from pan_keras.runs.data_changes import data_changes
from pan_keras.runs.data_identity import identity_of
from pan_keras.runs.run import Run


@pytest.fixture(scope="module")
def identity(motion_shards):
    return identity_of(open_data(motion_shards), motion_shards)


def changes(identity, folder):
    return data_changes(identity.at(folder), list_data(folder)[1]).phrases()


def test_the_record_of_a_run_holds_preprocessing_and_digest(identity, tmp_path):
    run = Run(tmp_path / "run")
    run.write("config.toml", 'format = 2\n[data]\nsource = "shards"\n')
    run.write_identity(identity)
    found = Run(run.path).identity
    assert found == replace(identity, root=found.root)
    assert (found.shards["format"], found.shards["quality"]) == ("jpeg", 95)
    assert len(found.shards["digest"]) == 64


def test_the_same_shards_elsewhere_are_no_change(identity, motion_shards, tmp_path):
    assert changes(identity, motion_shards) == []
    assert changes(identity, shutil.copytree(motion_shards, tmp_path / "copy")) == []


def test_shards_of_another_quality_or_digest_are_a_change(identity, small_motions, tmp_path):
    make_shards("motions", tmp_path / "poor", small_motions, quality=60)
    assert changes(identity, tmp_path / "poor") == ["shards with quality 60 instead of 95"]
    make_shards("motions", tmp_path / "few", small_motions, clips_per_shard=48)
    (phrase,) = changes(identity, tmp_path / "few")
    assert phrase == "shards with another digest"


def test_a_clip_is_known_before_and_after_it_was_stored(identity, motion_shards, small_motions):
    videos, shards = open_data("motions", small_motions), open_data(motion_shards)
    of_videos = identity_of(videos, small_motions)
    for video, stored in zip(videos.all_clips, shards.all_clips, strict=True):
        assert of_videos.find(stored.path, motion_shards).split == video.split
        assert identity.find(video.path, small_motions).split == video.split
        assert identity.find(stored.path, motion_shards).split == stored.split


def test_another_clip_of_the_same_name_is_not_that_clip(identity, small_motions, tmp_path):
    root = shutil.copytree(small_motions, tmp_path / "motions")
    video = open_data("motions", root).all_clips[0].path
    video.write_bytes(video.read_bytes() + b"more")
    assert identity.find(video, root) is None
