"""Shards are the same for every number of workers and interruptions; nothing is lost silently."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shard_folders import digests, flip_byte, make_shards, quiet
from small_disks import small_disk
from video_files import moving_frames, write_video

from pan_keras.data import open_data
from pan_keras.data.shards.manifest import read_manifest
from pan_keras.data.shards.sharding import PLAN, shard_data
from pan_keras.errors import UserError
from pan_keras.video import probe, read_frames, shard_file

ROOT = Path(__file__).parents[3]
CLIPS, PER_SHARD = 10, 3
# Writes shards one by one, and waits before the clip after the third shard.
SLOWLY = """
import sys, time
from pathlib import Path
from pan_keras.cli import main
from pan_keras.data.shards import encoding

compress, done = encoding.ShardEncoding.record, []
def record(self, source):
    done.append(source)
    if len(done) == 8:
        Path(sys.argv[1]).touch()
        time.sleep(60)
    return compress(self, source)
encoding.ShardEncoding.record = record
main(["dataset", "shard", *sys.argv[2:], "--workers", "1", "--clips-per-shard", "3"])
"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "videos"
    for number in range(CLIPS):
        place = folder / ("clap", "wave")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        write_video(place / f"{number}.mp4", moving_frames(6 + number, seed=number))
    return folder


@pytest.fixture(scope="module")
def shards(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "shards"
    make_shards(videos, folder, clips_per_shard=PER_SHARD, workers=1)
    return folder


def test_shards_have_the_clips_classes_and_splits_of_the_data(videos, shards):
    before, after = open_data(videos), open_data(shards)
    assert after.classes == before.classes

    def rows(data, root):
        for clip in data.all_clips:
            parts = clip.path.relative_to(root).parts[-2:]
            yield parts, clip.label, clip.split, data.infos[clip.path]

    assert sorted(rows(after, shards)) == sorted(rows(before, videos))
    assert after.shards["format"] == "jpeg"
    assert after.split_origin == before.split_origin
    assert "JPEG of quality 95, shorter side at most 256" in after.warnings[0]
    names = sorted(file.name for file in shards.iterdir() if not file.name.startswith("."))
    assert names == [f"0000{n}.{end}" for n in range(4) for end in ("arrayrecord", "json")] + [
        "shards.json"
    ]
    assert not (shards / PLAN).exists()


def test_two_workers_write_the_same_bytes_as_one(videos, shards, tmp_path):
    make_shards(videos, tmp_path / "two", clips_per_shard=PER_SHARD, workers=2)
    assert digests(tmp_path / "two") == digests(shards)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stopped_and_continued_they_are_the_same(videos, shards, tmp_path, number):
    folder, ready = tmp_path / "shards", tmp_path / "ready"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(ready), str(videos), "-o", str(folder)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        end = time.monotonic() + 120
        while not ready.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(number)
        if number != signal.SIGKILL:
            time.sleep(0.5)
            process.send_signal(number)  # does not wait for the clip
        process.wait(60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode != 0
    finished = sorted(file.name for file in folder.glob("*.arrayrecord"))
    assert [name for name in finished if not name.startswith(".")] == [
        "00000.arrayrecord",
        "00001.arrayrecord",
    ]
    kept = (folder / "00000.arrayrecord").stat().st_mtime_ns
    if number == signal.SIGKILL:
        assert any(".partial" in file.name for file in folder.iterdir())
    make_shards(videos, folder, clips_per_shard=PER_SHARD)
    assert digests(folder) == digests(shards)
    assert (folder / "00000.arrayrecord").stat().st_mtime_ns == kept
    assert not any(".partial" in file.name for file in folder.iterdir())


def test_a_stop_between_two_clips_is_told(videos, tmp_path):
    def stop(what, done, total):
        if what == "writing shards" and done == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    from pan_keras.errors import Interrupted

    with pytest.raises(Interrupted, match=r"stopped with [12] of 4 shards written; the same comm"):
        shard_data(videos, tmp_path / "s", clips_per_shard=PER_SHARD, workers=1, progress=stop)
    assert not any(".partial" in file.name for file in (tmp_path / "s").iterdir())


def test_a_finished_folder_is_left_as_it_is(videos, shards):
    before = {file: file.stat().st_mtime_ns for file in shards.iterdir()}
    make_shards(videos, shards, clips_per_shard=PER_SHARD)
    after = {file: file.stat().st_mtime_ns for file in shards.iterdir()}
    assert {file: after[file] for file in before if not file.name.startswith(".")} == {
        file: time for file, time in before.items() if not file.name.startswith(".")
    }


def test_other_settings_or_clips_do_not_mix_with_what_is_there(videos, shards, tmp_path):
    with pytest.raises(UserError, match="holds shards made with quality 95 instead of 80; name an"):
        make_shards(videos, shards, clips_per_shard=PER_SHARD, quality=80)
    with pytest.raises(UserError, match="clips_per_shard 3 instead of 5"):
        make_shards(videos, shards, clips_per_shard=5)
    fewer = tmp_path / "videos"
    for file in sorted(videos.rglob("*.mp4"))[1:]:
        (fewer / file.parent.name).mkdir(parents=True, exist_ok=True)
        (fewer / file.parent.name / file.name).symlink_to(file)
    with pytest.raises(UserError, match="clips 10 instead of 9"):
        make_shards(fewer, shards, clips_per_shard=PER_SHARD)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds notes.txt already; name a new folder"):
        make_shards(videos, tmp_path / "other")
    with pytest.raises(UserError, match="holds shards already; make shards of the videos"):
        make_shards(shards, tmp_path / "again")


def test_a_broken_clip_is_named_and_the_others_keep_shard_and_split(videos, shards, tmp_path):
    folder = tmp_path / "videos"
    for file in sorted(videos.rglob("*.mp4")):
        (folder / file.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / file.parent.name / file.name).write_bytes(file.read_bytes())
    (folder / "split.csv").write_bytes((videos / "split.csv").read_bytes())
    open_data(folder)  # indexed while it was whole
    broken = folder / "clap" / "2.mp4"
    status = broken.stat()
    broken.write_bytes(bytes(status.st_size))
    os.utime(broken, ns=(status.st_atime_ns, status.st_mtime_ns))
    manifest = shard_data(
        folder, tmp_path / "s", clips_per_shard=PER_SHARD, max_broken=0.2, progress=quiet
    )
    assert "1 broken clip was left out when the shards were made (clap/2.mp4: " in str(
        manifest.warnings
    )
    data = open_data(tmp_path / "s")
    kept = {c.path.relative_to(tmp_path / "s"): c.split for c in data.all_clips}
    whole = {c.path.relative_to(shards): c.split for c in open_data(shards).all_clips}
    gone = [path for path in whole if path not in kept]
    assert [path.name for path in gone] == ["2.mp4"]
    assert kept == {path: split for path, split in whole.items() if path not in gone}
    with pytest.raises(UserError, match="1 of 10 clips are broken, more than the 5% allowed"):
        make_shards(folder, tmp_path / "strict")
    assert not (tmp_path / "strict" / "shards.json").exists()


def test_a_full_disk_is_one_sentence_and_finished_shards_stay(videos, tmp_path):
    with small_disk(tmp_path / "disk", kilobytes=256) as disk:  # the shards need more
        folder = disk / "shards"
        with pytest.raises(UserError, match="the disk is full; free some space and run the comm"):
            make_shards(videos, folder, clips_per_shard=2, workers=1, quality=100)
        left = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
        assert left[:2] == ["00000.arrayrecord", "00000.json"]
        assert "shards.json" not in left
        assert not any(".partial" in file.name for file in folder.iterdir())
        listed = json.loads((folder / "00000.json").read_text())
        clip = folder / "00000.arrayrecord" / listed["clips"][0]["path"]
        assert len(read_frames(clip, range(probe(clip).frames))) == listed["clips"][0]["frames"]
        shard_file._open.clear()  # readers that are kept open
        gc.collect()


def test_damage_is_found_at_opening_or_by_the_digests(videos, tmp_path):
    folder = tmp_path / "s"
    make_shards(videos, folder, clips_per_shard=PER_SHARD)
    read_manifest(folder).check()
    shard, listed = folder / "00001.arrayrecord", folder / "00002.json"
    flip_byte(shard, 0.6)
    open_data(folder)  # reads no record
    with pytest.raises(UserError, match=r"1 of 4 shards are damaged \(00001.arrayrecord\); copy"):
        read_manifest(folder).check()
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(UserError, match=f"has {len(content) - 1} bytes instead of {len(content)}"):
        open_data(folder)
    shard.write_bytes(content)
    listed.write_text(listed.read_text().replace("wave", "clap", 1))
    with pytest.raises(UserError, match=r"00002.json: has changed; copy the shard again"):
        open_data(folder)
    shard.unlink()
    with pytest.raises(UserError, match=r"00001.arrayrecord: is missing"):
        open_data(folder)
    (folder / "shards.json").write_text("[]")
    with pytest.raises(UserError, match=r"shards.json: damaged"):
        open_data(folder)


def test_the_columns_and_the_card_of_the_data_go_along(videos, tmp_path):
    rows = [
        f"{file},{file.parent.name},p{n % 2}"
        for n, file in enumerate(sorted(videos.rglob("*.mp4")))
    ]
    (tmp_path / "list.csv").write_text("path,label,person\n" + "\n".join(rows) + "\n")
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nmanifest = "list.csv"\nclasses = ["wave", "clap"]\n'
    )
    make_shards(tmp_path / "own.toml", tmp_path / "s")
    data = open_data(tmp_path / "s")
    assert data.card.name == "own"
    assert data.classes == ("wave", "clap")
    assert {data.columns[clip.path]["person"] for clip in data.all_clips} == {"p0", "p1"}


def test_shards_hold_one_official_fold(shards):
    assert read_manifest(shards).plan["fold"] is None
    with pytest.raises(
        UserError, match="these shards hold no official fold; make shards of fold 2"
    ):
        open_data(shards, fold=2)
