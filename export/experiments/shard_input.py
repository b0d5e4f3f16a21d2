"""Training input from videos and from shards: clips per second, processor time, and scaling.

    python export/experiments/shard_input.py SOURCE SHARDS... --add-to CSV [--root DIR]

Each SHARDS is a folder that `pan-keras dataset shard SOURCE` has made. Batches are prepared as in
training (sampling, decoding, resizing, crops), without a network. Sources and numbers of workers
take turns in rounds, so that a busy machine affects all of them; medians are printed. Processor
seconds per clip are those of the whole process: a machine with n free cores prepares at most n over
that many clips per second. Rows are added to the file CSV.
"""

import argparse
import csv
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.data import open_data
from pan_keras.input import FrameStore
from pan_keras.input.examples import TrainingExamples


def main():
    """Measures and writes a row per source and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--add-to", type=Path, required=True, metavar="CSV")
    parser.add_argument("--title", help="name of the data in the table")
    parser.add_argument("--root")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--resize", type=int, default=256)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shape = ClipShape(8, 4, (options.size, options.size), options.resize)
    opened = {
        name: open_data(name, options.root if name == options.source else None)
        for name in (options.source, *options.shards)
    }
    examples = {
        name: TrainingExamples(
            data.clips("train"),
            shape,
            Augmentation(),
            batch=8,
            seed=0,
            store=FrameStore(options.resize),
        )
        for name, data in opened.items()
    }
    found = {(name, workers): [] for name in examples for workers in options.workers}
    for turn in range(options.rounds + 1):
        for (name, workers), times in found.items():
            with ThreadPoolExecutor(workers) as threads:
                wall, processor = time.perf_counter(), time.process_time()
                for step in range(turn * options.batches, (turn + 1) * options.batches):
                    examples[name].batch(step, threads)
                clips = 8 * options.batches
                spent = (
                    (time.perf_counter() - wall) / clips,
                    (time.process_time() - processor) / clips,
                )
            if turn:  # the first round fills caches of files and indexes
                times.append(spent)
    rows = [
        {
            "data": options.title or options.source,
            "source": (opened[name].shards or {"format": "videos"})["format"],
            "resize": options.resize,
            "size": options.size,
            "workers": workers,
            "clips_per_second": round(statistics.median(1 / wall for wall, _ in times), 1),
            "low": round(min(1 / wall for wall, _ in times), 1),
            "high": round(max(1 / wall for wall, _ in times), 1),
            "processor_ms": round(1000 * statistics.median(spent for _, spent in times), 1),
            "load": round(os.getloadavg()[0], 1),
        }
        for (name, workers), times in found.items()
    ]
    is_new = not options.add_to.exists()
    with options.add_to.open("a", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in rows:
            print(row)
            writer.writerow(row)


if __name__ == "__main__":
    main()
