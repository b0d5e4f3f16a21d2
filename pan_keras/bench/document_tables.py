"""Generates tables of the documents from committed results."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from pan_keras.bench.paper_tables import OTHERS, TABLE_I, TABLE_II
from pan_keras.bench.peers import ANSWERS
from pan_keras.bench.results import significant
from pan_keras.errors import UserError
from pan_keras.printable import in_markdown

TABLE = re.compile(
    r"(<!-- ([a-z-]+) table: (\S+\.csv(?: \S+\.csv)*) -->)\n.*?(<!-- end of table -->)", re.DOTALL
)
RULE = "averaged over a window; at least half a window"
FORMS = {"fast": "clip"}
BUSY = "\nOther programs were running: ratios are valid, times are too long.\n"

Records = Sequence[Mapping[str, str]]


def video_table(records: Records) -> str:
    """Returns a Markdown table of milliseconds from a file to a label, fastest first.

    Args:
        records: Rows of a CSV file of `pan-keras bench video`, as dictionaries by column.
    """
    lines = [
        "| Method | Precision | ms | decode | motion | network | PAN_Lite / method, 95 % "
        "interval |",
        "|---|---|---|---|---|---|---|",
    ]
    found = [record for record in records if record["benchmark"] == "video" and record["p50_ms"]]
    for record in sorted(found, key=lambda each: (each["precision"], float(each["p50_ms"]))):
        parts = json.loads(record["milliseconds"])
        times = [
            float(record["p50_ms"]),
            *(parts[name] for name in ("decode", "motion", "network")),
        ]
        ratio, low, high = (float(record[name]) for name in ("ratio", "ratio_low", "ratio_high"))
        cells = " | ".join(f"{value:,.0f}" for value in times)
        lines.append(
            f"| `{record['method']}` | {record['precision']} | {cells} | "
            f"{ratio:.3g}, {low:.3g} to {high:.3g} |"
        )
    return "\n".join(lines) + "\n"


def decode_table(records: Records) -> str:
    """Returns a Markdown table of milliseconds to read a clip with each reader.

    Args:
        records: Rows of a CSV file of `pan-keras bench decode`, as dictionaries by column.
    """
    found: dict[str, dict[str, str]] = {}
    for record in records:
        if record["benchmark"] == "decode" and record["p50_ms"]:
            found.setdefault(record["graph"], {})[record["method"]] = record["p50_ms"]
    readers = dict.fromkeys(name for times in found.values() for name in times)
    lines = [
        f"| Clip | {' | '.join(f'`{name}`' for name in readers)} |",
        f"|---|{'---:|' * len(readers)}",
    ]
    for clip, times in found.items():
        cells = [f"{float(times[name]):.0f}" if name in times else "" for name in readers]
        lines.append(f"| {clip} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def peers_table(records: Records) -> str:
    """Returns a Markdown table of processor time, cheapest at five answers per second first.

    Args:
        records: Rows of a CSV file of `pan-keras bench peers`, as dictionaries by column.
    """
    lines = [
        "| Network | Input | MACs, M | Parameters, M | MB | ms per answer | ms per second of "
        "video | "
        f"ms per second at {ANSWERS:g} answers |",
        "|---|---|---|---|---|---|---|---|",
    ]
    found = [record for record in records if record["benchmark"] == "peers" and record["p50_ms"]]
    for record in sorted(found, key=lambda each: float(each["p50_ms"])):
        facts = json.loads(record["facts"])
        form = FORMS.get(record["graph"], record["graph"])
        numbers = [
            f"{float(record['macs']) / 1e6:,.0f}",
            f"{float(record['parameters']) / 1e6:.2f}",
            f"{facts['bytes'] / 1e6:.1f}",
            f"{float(record['p50_ms']):.2f}",
            f"{facts['ms_per_second']:.1f} ({facts['answers_per_second']:g}/s)",
            f"{facts['ms_per_second_at_5']:.1f}",
        ]
        name = f"`{record['method']}` {record['precision']}"
        lines.append(f"| {name} | {form} | {' | '.join(numbers)} |")
    return "\n".join(lines) + "\n"


def speed_table(records: Records) -> str:
    """Returns a Markdown table of the speed of motion cues, fastest first.

    Args:
        records: Rows of a CSV file of `pan-keras bench motion`, as dictionaries by column.

    Returns:
        The fastest float32 form of each method, and the machine.
    """
    best = _fastest_cues(records)
    titles = {row.method: row.title for row in (*TABLE_II, *TABLE_I[1:])} | OTHERS
    lines = ["| Motion cue | Runs on | Pairs/s | Speed / TV-L1 |", "|---|---|---|---|"]
    for record in sorted(best.values(), key=lambda each: float(each["p50_ms"])):
        form = " ".join(filter(None, (record["target"], record["graph"])))
        ratio = significant(float(record["ratio"])) if record["ratio"] else ""
        speed = significant(float(record["pairs_per_second"]))
        lines.append(f"| {titles[record['method']]} | {form} | {speed} | {ratio} |")
    machine, threads = records[0]["machine"], records[0]["threads"]
    return "\n".join(lines) + f"\n\n{in_markdown(machine)}, {threads} threads.\n"


def motion_cues_table(records: Records, speeds: Records) -> str:
    """Returns a Markdown table of the accuracy of motion cues, with their speed.

    Args:
        records: Rows of a CSV file of `pan-keras ablation --networks motion`.
        speeds: Rows of a CSV file of `pan-keras bench motion`.

    Returns:
        The most accurate first; pairs per second of the fastest float32 form.
    """
    best = _fastest_cues(speeds)
    lines = ["| Input | Top-1 | 95 % interval | Seeds | Pairs/s |", "|---|---:|---|---|---:|"]
    for record in sorted(records, key=lambda each: -float(each["top1"])):
        speed = ""
        if record["method"] in best:
            speed = significant(float(best[record["method"]]["pairs_per_second"]))
        lines.append(f"| {record['network']} | {_accuracy(record)} | {speed} |")
    return "\n".join(lines) + "\n"


def encodings_table(records: Records) -> str:
    """Returns a Markdown table of the accuracy of encodings or depths of PA, with their cost.

    Args:
        records: Rows of a CSV file of `pan-keras ablation --networks encodings` or `depths`.

    Returns:
        A row per network, in the order of the records; costs are those of a clip.
    """
    lines = [
        "| Network | Top-1 | 95 % interval | Seeds | MACs of PA, M | MACs of all, M |",
        "|---|---:|---|---|---:|---:|",
    ]
    for record in records:
        costs = [f"{float(record[name]) / 1e6:,.0f}" for name in ("motion_macs", "macs")]
        lines.append(f"| {record['network']} | {_accuracy(record)} | {' | '.join(costs)} |")
    return "\n".join(lines) + "\n"


def few_clips_table(records: Records, bundles: Records) -> str:
    """Returns a Markdown table of the accuracy with few clips, with the cost of each network.

    Args:
        records: Rows of a CSV file of `export/experiments/few_clips.py`.
        bundles: Rows of the file of the same script with `--bundles`.

    Returns:
        What was tested together, the most accurate first; the cost is that of the int8 file.
    """
    int8 = {
        each["network"]: f"{float(each['megabytes']):.2g} MB | {float(each['p50_ms']):.1f}"
        for each in bundles
        if each["precision"] == "int8"
    }
    lines = [
        "| Network and settings | Top-1 | 95 % interval | Seeds | int8 file | ms per clip |",
        "|---|---:|---|---|---:|---:|",
    ]
    for tested, group in groupby(
        sorted(records, key=lambda each: (each["tested"], -float(each["top1"]))),
        key=lambda each: each["tested"],
    ):
        for record in group:
            network = record["network"]
            cost = int8.get(network, " | ")
            lines.append(f"| {network}; {tested} | {_accuracy(record)} | {cost} |")
    return "\n".join(lines) + "\n"


def timelines_table(records: Records) -> str:
    """Returns a Markdown table of segments found in long videos by Keras.

    Args:
        records: Rows of a CSV file of `export/experiments/timelines.py`.

    Returns:
        F1 and false alarms of each network and video, without and with the answer `unknown`.
    """
    lines = [
        "| Network | Video | Unknown | Segments | F1@0.1 | F1@0.25 | F1@0.5 | False alarms/min |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    columns = ("video", "unknown", "segments", "f1_10", "f1_25", "f1_50", "false_alarms_per_minute")
    for record in records:
        if record["model"] == "keras" and record["rule"] == RULE:
            cells = " | ".join(record[column] for column in columns)
            lines.append(f"| `{record['network']}` | {cells} |")
    return "\n".join(lines) + "\n"


def shards_table(records: Records) -> str:
    """Returns a Markdown table of how many times as fast shards are read as videos.

    Args:
        records: Rows of CSV files of `pan-keras bench decode --short-side S`, with a column
            `short_side`.

    Returns:
        A row per video and length of the shorter side, in the order of the records.
    """
    lines = [
        "| Video | Shorter side | Video, ms | `jpeg`, ms | `h264`, ms | Video / `jpeg` "
        "| Video / `h264` |",
        "|---|---:|---:|---:|---:|---|---|",
    ]
    clips: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
    for record in records:
        clips.setdefault((record["graph"], record["short_side"]), {})[record["method"]] = record
    for (video, side), readers in clips.items():
        found = [readers[name] for name in ("pan_keras", "shard_jpeg", "shard_h264")]
        times = " | ".join(f"{float(each['p50_ms']):.1f}" for each in found)
        ratios = " | ".join(
            "{:.3g} ({:.3g} to {:.3g})".format(
                *(float(each[name]) for name in ("ratio", "ratio_low", "ratio_high"))
            )
            for each in found[1:]
        )
        lines.append(f"| {video} | {side} | {times} | {ratios} |")
    return "\n".join(lines) + "\n"


def shard_input_table(records: Records) -> str:
    """Returns a Markdown table of the training input from videos and from shards.

    Args:
        records: Rows of a CSV file of `export/experiments/shard_input.py`.

    Returns:
        A row per data set, size and source, with a column per number of workers.
    """
    workers = sorted({int(record["workers"]) for record in records})
    speeds = " | ".join(f"Clips/s, {count} worker{'s' * (count > 1)}" for count in workers)
    lines = [
        f"| Clips | Source | Frames | {speeds} | Processor time per clip, ms |",
        f"|---|---|---|{'---:|' * len(workers)}---:|",
    ]
    rows: dict[tuple[str, ...], dict[int, Mapping[str, str]]] = {}
    for record in records:
        frames = f"{record['resize']}, crops of {record['size']}"
        alike = rows.setdefault((record["data"], record["source"], frames), {})
        alike[int(record["workers"])] = record
    for names, found in rows.items():
        cells = [found[count]["clips_per_second"] if count in found else "" for count in workers]
        spent = [round(float(record["processor_ms"])) for record in found.values()]
        ends = dict.fromkeys((min(spent), max(spent)))
        lines.append(f"| {' | '.join((*names, *cells))} | {' to '.join(map(str, ends))} |")
    return "\n".join(lines) + "\n"


TABLES: Mapping[str, Callable[..., str]] = {
    "speed": speed_table,
    "video": video_table,
    "peers": peers_table,
    "motion-cues": motion_cues_table,
    "encodings": encodings_table,
    "few-clips": few_clips_table,
    "timelines": timelines_table,
    "decode": decode_table,
    "shards": shards_table,
    "shard-input": shard_input_table,
}


def with_tables(text: str, folder: Path) -> str:
    """Returns a document with its tables regenerated from the files that they name.

    A table stands between `<!-- KIND table: NAME.csv -->`, with a kind of `TABLES` and one or two
    files, and `<!-- end of table -->`.

    Args:
        text: The document.
        folder: Folder of the files.

    Raises:
        UserError: If there is no such table, or a file is missing or does not hold its results.
    """

    def made(found: re.Match[str]) -> str:
        if found[2] not in TABLES:
            raise UserError(f"{found[1]}: no such table; name one of {', '.join(TABLES)}")
        files = [_records(folder / name) for name in found[3].split()]
        try:
            table = TABLES[found[2]](*files)
        except (KeyError, IndexError, TypeError, ValueError):
            raise UserError(
                f"{folder / found[3]}: not a results file of a {found[2]} table; commit one"
            ) from None
        busy = any(record.get("busy") == "true" for records in files for record in records)
        return f"{found[1]}\n{table}{BUSY if busy else ''}{found[4]}"

    return TABLE.sub(made, text)


def _records(file: Path) -> Records:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return list(csv.DictReader(opened))
    except OSError as error:
        raise UserError(f"{file}: not readable ({error.strerror}); commit results") from None


def _fastest_cues(records: Records) -> dict[str, Mapping[str, str]]:
    """The fastest float32 form of each motion cue, by its method; PA has the paper's depth."""
    best: dict[str, Mapping[str, str]] = {}
    for record in records:
        if record["benchmark"] != "motion" or not record["p50_ms"] or record["depth"] not in "1":
            continue
        if record["precision"] != "float32":
            continue
        held = best.get(record["method"])
        if held is None or float(record["p50_ms"]) < float(held["p50_ms"]):
            best[record["method"]] = record
    return best


def _accuracy(record: Mapping[str, str]) -> str:
    """Cells of an accuracy: mean, interval and seeds; a single seed has no interval."""
    top1, low, high = (f"{float(record[name]):.3f}" for name in ("top1", "low", "high"))
    seeds = [f"{float(each):.3f}" for each in record["seeds"].split()]
    interval = "" if len(seeds) == 1 else f"{low} to {high}"
    return f"{top1} | {interval} | {', '.join(seeds)}"
