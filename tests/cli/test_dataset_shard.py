"""`pan-keras dataset shard` on the command line: result, checks and user errors."""

import json
import sys

import pytest
from click.testing import CliRunner
from shard_folders import flip_byte
from video_files import moving_frames, write_video

from pan_keras.cli import main


def invoke(*arguments):
    return CliRunner().invoke(main, ["dataset", *map(str, arguments)])


@pytest.fixture
def videos(tmp_path):
    for number in range(4):
        path = tmp_path / "videos" / ("clap", "wave")[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, moving_frames(6, seed=number))
    return tmp_path / "videos"


def test_shards_are_written_and_checked(videos, tmp_path):
    folder = tmp_path / "shards"
    done = invoke(
        "shard", videos, "-o", folder, "--short-side", 32, "--clips-per-shard", 3, "--json"
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["shards"], result["clips"], result["quality"]) == (2, 4, 95)
    assert result["bytes"] == sum(file.stat().st_size for file in folder.glob("*.arrayrecord"))
    assert result["source_bytes"] == sum(file.stat().st_size for file in videos.rglob("*.mp4"))
    again = invoke("shard", videos, "-o", folder, "--short-side", 32, "--clips-per-shard", 3)
    assert f"{folder}: 4 clips in 2 shards, " in again.stdout
    assert (
        "JPEG of quality 95, shorter side at most 32); train on them with: pan-ke" in again.stdout
    )
    checked = invoke("check", folder, "--json")
    assert checked.exit_code == 0, checked.output
    report = json.loads(checked.stdout)
    assert report["sizes"] == {"42x32": 4}
    assert report["shards"]["digest"] == result["digest"]
    flip_byte(folder / "00000.arrayrecord")
    damaged = invoke("check", folder)
    assert damaged.exit_code == 2
    assert "1 of 2 shards are damaged (00000.arrayrecord)" in damaged.stderr


def test_copies_in_shards_are_found(videos, tmp_path):
    (videos / "wave" / "9.mp4").write_bytes((videos / "clap" / "0.mp4").read_bytes())
    invoke("shard", videos, "-o", tmp_path / "shards", "--format", "h264")
    found = json.loads(invoke("check", tmp_path / "shards", "--duplicates", "--json").stdout)
    ((one, other),) = found["duplicates"]
    assert one["path"].endswith("clap/0.mp4")
    assert other["path"].endswith("wave/9.mp4")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--crf", 20), "crf belongs to shards of the format h264; leave it out"),
        (("--format", "h264", "--quality", 90), "quality belongs to shards of the format jpeg"),
        (("--short-side", 5), "short_side is 5; it must be 16 to 8192"),
    ],
)
def test_wrong_settings_are_one_sentence(videos, tmp_path, arguments, sentence):
    done = invoke("shard", videos, "-o", tmp_path / "shards", *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert not (tmp_path / "shards").exists()


def test_without_array_record_it_says_what_to_install(videos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "array_record", None)
    monkeypatch.setitem(sys.modules, "array_record.python", None)
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_module", None)
    done = invoke("shard", videos, "-o", tmp_path / "shards")
    assert done.exit_code == 2
    assert 'array-record is not installed; pip install "pan-keras[shards]"' in done.stderr
