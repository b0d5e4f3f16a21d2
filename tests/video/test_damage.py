"""Five hundred damaged files are each decoded or reported, without crashes or hangs."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from damage import damaged
from video_files import REAL_VIDEOS, moving_frames, needs_real_videos, write_video

from pan_keras.data import open_data
from pan_keras.errors import UserError

VARIANTS = 500
SECONDS_PER_FILE = 20
REAL_CLIP = REAL_VIDEOS / "egogestar" / "tick" / "tick_17.mp4"

# In a separate process, so that a crash inside libav fails the test instead of ending it.
READER = """
import json, sys, time
from pan_keras.video import BrokenVideo, probe, read_frames

for path in sys.stdin.read().splitlines():
    start = time.monotonic()
    try:
        count = probe(path).frames
        shape = read_frames(path, [0, count // 2, count - 1]).shape
        outcome = "decoded" if shape[0] == 3 and shape[3] == 3 else f"shape {shape}"
    except BrokenVideo as error:
        assert path in str(error)
        outcome = "reported"
    print(json.dumps([path, outcome, time.monotonic() - start]), flush=True)
"""


def read_elsewhere(paths):
    """Reads files in another process; returns outcome and seconds of each."""
    process = subprocess.run(
        [sys.executable, "-c", READER],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    assert process.returncode == 0, (
        f"after {rows[-1:]}: exit code {process.returncode}\n{process.stderr[-2000:]}"
    )
    return rows


def check_variants(content, ending, folder, count):
    for name, data in damaged(content, count, seed=0):
        (folder / f"{name}{ending}").write_bytes(data)
    paths = sorted(folder.iterdir())
    with ThreadPoolExecutor(2) as pool:
        rows = [row for part in pool.map(read_elsewhere, (paths[::2], paths[1::2])) for row in part]
    assert len(rows) == count
    outcomes = Counter(outcome for _, outcome, _ in rows)
    assert set(outcomes) == {"decoded", "reported"}
    assert max(seconds for _, _, seconds in rows) < SECONDS_PER_FILE


def test_damaged_variants_of_an_h264_clip(tmp_path):
    clip = write_video(tmp_path / "clip.mp4", moving_frames(30), bf=3, g=10)
    folder = tmp_path / "damaged"
    folder.mkdir()
    check_variants(clip.read_bytes(), ".mp4", folder, VARIANTS)


@needs_real_videos
def test_damaged_variants_of_a_real_clip(tmp_path):
    check_variants(REAL_CLIP.read_bytes(), ".mp4", tmp_path, VARIANTS)


@pytest.mark.parametrize(
    ("ending", "codec", "pixels"),
    [(".avi", "mpeg4", "yuv420p"), (".webm", "libvpx-vp9", "yuv420p"), (".mov", "png", "rgba")],
)
def test_damaged_variants_in_other_containers(ending, codec, pixels, tmp_path):
    clip = write_video(tmp_path / f"clip{ending}", moving_frames(12), codec, pixels)
    folder = tmp_path / "damaged"
    folder.mkdir()
    check_variants(clip.read_bytes(), ending, folder, 40)


def test_a_data_set_with_damaged_files_names_each_and_continues(tmp_path):
    clip = write_video(tmp_path / "clip.mp4", moving_frames(12))
    content = clip.read_bytes()
    for label in ("clap", "wave"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "videos" / label / f"{number}.mp4").write_bytes(content)
    for name, data in damaged(content, 40, seed=1):
        (tmp_path / "videos" / "wave" / f"{name}.mp4").write_bytes(data)
    data = open_data(tmp_path / "videos", max_broken=0.9)
    skipped = {file.path for file in data.skipped}
    assert len(skipped) + len(data.all_clips) == 60
    assert len(data.report()["skipped"]) == len(skipped) > 10
    with pytest.raises(UserError, match=r"of 60 videos are broken, more than the 5%"):
        open_data(tmp_path / "videos")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_file_that_never_ends_does_not_hang(tmp_path):
    pipe = tmp_path / "clip.mp4"
    os.mkfifo(pipe)
    start = time.monotonic()
    (row,) = read_elsewhere([pipe])
    assert row[1] == "reported"
    assert time.monotonic() - start < SECONDS_PER_FILE
