"""Reading frames of videos and of shards of several sizes.

    python export/experiments/shard_decode.py VIDEO... [--short-side 112 256] [--output DIR]

Runs `pan-keras bench decode VIDEO... --short-side S` for each length S of the shorter side, and
writes `shards-decode.csv`: its rows with the length, the machine and the commit.
"""

import argparse
import csv
import io
from pathlib import Path

from pan_keras.bench.decode import measure_decode
from pan_keras.bench.suite import joined_csv


def main():
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--short-side", nargs="+", type=int, default=[112, 256])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--output", type=Path, default=Path())
    options = parser.parse_args()
    lines: list[list[str]] = []
    for side in options.short_side:
        found = measure_decode(
            options.videos,
            readers=("pan_keras", "shard_jpeg", "shard_h264", "opencv"),
            short_side=side,
            quick=options.quick,
            progress=lambda line: print(line, flush=True),
        )
        print(found.to_text(), flush=True)
        head, *rows = csv.reader(io.StringIO(joined_csv({"decode": found})))
        lines = [*(lines or [["short_side", *head]]), *([str(side), *row] for row in rows)]
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "shards-decode.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
