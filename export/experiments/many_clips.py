"""Prepare, open and first batch of a data set of 250,000 made clips: seconds and memory.

    python export/experiments/many_clips.py --folder DIR [--clips 250000] [--index]

Makes a data set in the layout of Kinetics, of small mp4 files of one video that differ in size and
last bytes, unless DIR has it, and measures each step in a process of its own: `dataset prepare` and
opening with the first batch of 64 clips, for the first and for the second time. The first
preparation reads every file, unless `--index` writes the index beforehand, with what the first clip
says for all; the other steps use the index. Writes `many_clips.csv` into DIR; the memory
before a step is that of the imported libraries. The made files are not removed. The caches of the
file system are not emptied, so that files come from memory where they fit.
"""

import argparse
import csv
import json
import os
import resource
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.data import open_data, prepare_dataset
from pan_keras.data.clip_index import KnownClip, open_clip_index
from pan_keras.files import replacing
from pan_keras.input import FrameStore
from pan_keras.input.examples import TrainingExamples
from pan_keras.video.frame_sources import TIMEOUT
from pan_keras.video.video_file import VideoFile

CLASSES = 400
STEPS = ("prepare", "prepare again", "open", "open again")
LIMIT = 4 * 3600  # seconds of a step


def make(folder: Path, clips: int) -> None:
    """Writes the files and lists, one clip in ten for validation."""
    template = folder / "template.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    with av.open(str(template), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(10):
            picture = np.full((32, 48, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    content = template.read_bytes()
    template.unlink()
    rows: dict[str, list[tuple]] = {"train": [], "val": []}
    for number in range(clips):
        label = f"class {number % CLASSES:03}"
        split = "val" if number // CLASSES % 10 == 9 else "train"
        place = folder / split / label.replace(" ", "_")
        if number < 10 * CLASSES:
            place.mkdir(parents=True, exist_ok=True)
        video = f"v{number:010}"
        # An empty box of the container, so that no two files are alike.
        length = 16 + number % 4001
        box = struct.pack(">I4sQ", length, b"free", number).ljust(length, b"\0")
        (place / f"{video}_000000_000010.mp4").write_bytes(content + box)
        rows[split].append((label, video, 0, 10, split))
    for split, lines in rows.items():
        with (folder / f"{split}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("label", "youtube_id", "time_start", "time_end", "split"))
            writer.writerows(lines)


def write_index(folder: Path) -> None:
    """Writes the index of all clips, which differ in size and time of change alone."""
    paths = sorted(folder.glob("*/*/*.mp4"))
    index = open_clip_index(folder, paths)
    first = VideoFile(paths[0], TIMEOUT)
    clip, frames = KnownClip(first.info(), first.remark), first.index
    for path in paths:
        index.add(path, VideoFile(path, TIMEOUT).state(), clip, frames)
    index.flush()


def silent(*_: object) -> None:
    """Shows no progress."""


def step(folder: Path, name: str) -> dict[str, object]:
    """Does a step and tells its seconds and the largest memory of this process."""
    before = _memory()
    start = time.perf_counter()
    if name.startswith("prepare"):
        done = prepare_dataset("kinetics400", folder, folder, progress=silent)
        clips, first = sum(done.splits[0].values()), None
    else:
        data = open_data("kinetics400", folder, progress=silent)
        clips = len(data.all_clips)
        opened = time.perf_counter()
        store, shape = FrameStore(resize=32), ClipShape(2, 2, (32, 32), 32)
        examples = TrainingExamples(
            data.clips("train"), shape, Augmentation(), batch=64, seed=0, store=store
        )
        with ThreadPoolExecutor(2) as workers:
            examples.batch(0, workers)
        first = time.perf_counter() - opened
    return {
        "step": name,
        "clips": clips,
        "seconds": round(time.perf_counter() - start - (first or 0.0), 1),
        "first_batch_seconds": "" if first is None else round(first, 2),
        "memory_mb": round(_memory()),
        "before_mb": round(before),
    }


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Makes the data, measures the steps, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=250_000)
    parser.add_argument("--index", action="store_true", help="write the index beforehand")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(step(given.folder, given.step)))
        return
    if not (given.folder / "val.csv").is_file():
        make(given.folder, given.clips)
    if given.index:
        write_index(given.folder)
    rows = []
    for name in STEPS:
        command = [sys.executable, __file__, "--folder", str(given.folder), "--step", name]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LIMIT, env=os.environ
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    with replacing(given.folder / "many_clips.csv") as temporary, temporary.open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
