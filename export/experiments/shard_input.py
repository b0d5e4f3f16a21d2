"""Training input from videos and from shards: clips per second, processor time, and scaling.

Usage: python export/experiments/shard_input.py SOURCE SHARDS... [--root DIR] [--workers 1 2]

Each SHARDS is a folder that `pan-keras dataset shard SOURCE` has made. Batches are prepared as in
training (sampling, decoding, resizing, crops), without a network. Sources and numbers of workers
take turns in rounds, so that a busy machine affects all of them; medians are printed. Processor
seconds per clip are those of the whole process: a machine with n free cores prepares at most n over
that many clips per second.
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import cv2

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.data import open_data
from pan_keras.input import FrameStore
from pan_keras.input.examples import TrainingExamples


def main():
    """Measures and prints one JSON object per source and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--root")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--resize", type=int, default=256)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shape = ClipShape(8, 4, (options.size, options.size), options.resize)
    examples = {
        name: TrainingExamples(
            open_data(name, options.root if name == options.source else None).clips("train"),
            shape,
            Augmentation(),
            batch=8,
            seed=0,
            store=FrameStore(options.resize),
        )
        for name in (options.source, *options.shards)
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
    for (name, workers), times in found.items():
        wall, processor = (statistics.median(each) for each in zip(*times, strict=True))
        row = {
            "source": name,
            "workers": workers,
            "clips_per_second": round(1 / wall, 1),
            "range": [
                round(1 / max(t[0] for t in times), 1),
                round(1 / min(t[0] for t in times), 1),
            ],
            "processor_ms_per_clip": round(1000 * processor, 1),
            "load": round(os.getloadavg()[0], 1),
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()
