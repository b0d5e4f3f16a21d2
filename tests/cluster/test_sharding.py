"""Shards made by a Ray cluster are those of this process, whatever is killed or full."""

import json
import os
import signal

import pytest
from ray_nodes import command, running, wait_for
from shard_folders import digests, make_shards
from small_disks import small_disk

from pan_keras.video.shard_file import open_shard

pytestmark = pytest.mark.slow
PER_SHARD = 4


def shard(videos, folder, *more):
    options = ("--clips-per-shard", PER_SHARD, "--engine", "ray", "--json")
    return ("dataset", "shard", videos, "-o", folder, *options, *more)


@pytest.fixture(scope="module")
def local(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "local"
    make_shards(videos, folder, clips_per_shard=PER_SHARD)
    return folder


def finished(folder):
    return sorted(folder.glob("0*.json"))


def writers(folder):
    """Processes that are writing a shard, by the names of their unfinished files."""
    return [
        int(file.name.split(".")[2].split("-")[0])
        for file in folder.glob(".0*.partial.arrayrecord")
    ]


def test_a_killed_worker_and_a_killed_node_change_nothing(nodes, videos, local, tmp_path):
    folder = tmp_path / "shards"
    arguments = shard(videos, folder, "--address", nodes.address)
    with running(*arguments, token=nodes.token) as process:
        wait_for(lambda: folder.exists() and finished(folder), "a shard", process)
        victim = wait_for(lambda: writers(folder), "a writer", process)[0]
        os.kill(victim, signal.SIGKILL)
        count = len(finished(folder))
        assert count < 6
        nodes.kill_second()
        output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert errors == ""
    assert digests(folder) == digests(local)
    result = json.loads(output)
    assert (result["shards"], result["clips"]) == (6, 24)
    assert "broken.mp4" in result["warnings"][0]
    assert not [file for file in folder.iterdir() if ".partial" in file.name]


def test_a_full_disk_ends_the_work_and_keeps_the_shards_before(ray, videos, local, tmp_path):
    sizes = [file.stat().st_size for file in sorted(local.glob("*.arrayrecord"))]
    with small_disk(tmp_path / "disk", (sum(sizes[:3]) + sizes[3] // 2) // 1024 + 60) as disk:
        code, _, errors = command(*shard(videos, disk / "shards", "--workers", 1))
        assert code == 2, errors
        (line,) = errors.strip().splitlines()
        assert line.startswith(f"Error: {disk / 'shards'}")
        assert "the disk is full; free some space and run the command again" in line
        kept = [open_shard(file) for file in (disk / "shards").glob("0*.arrayrecord")]
        assert kept
        made = digests(local)
        for shard_file in kept:
            assert made[shard_file.path.name] == shard_file.digest
        assert not [file for file in (disk / "shards").iterdir() if ".partial" in file.name]
