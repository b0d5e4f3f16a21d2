"""Timelines as JSON, CSV and subtitles."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.inference.timelines import Timeline
from pan_keras.metrics.segments import Segment
from pan_keras.remote.addresses import displayed

SUBTITLES = {".srt": ",", ".vtt": "."}  # with the decimal mark of its times


def timeline_json(found: Timeline) -> str:
    """Writes a timeline for programs.

    Args:
        found: The timeline.

    Returns:
        One JSON object on one line.

    Example:
        >>> json.loads(timeline_json(timeline("runs/demo", "wave.mp4")))["segments"][0]["label"]
        'left'
    """
    segments = [
        {
            "start": round(each.start, 3),
            "end": round(each.end, 3),
            "label": each.label,
            "probability": each.probability,
        }
        for each in found.segments()
    ]
    return json.dumps(
        {"path": displayed(found.path), "seconds": round(found.seconds, 3), "segments": segments}
    )


def timeline_text(found: Timeline) -> str:
    """Writes a timeline for people.

    Args:
        found: The timeline.

    Returns:
        A line for the video and one for each segment.
    """
    segments = found.segments()
    lines = [f"{displayed(found.path)}: {len(segments)} segments in {found.seconds:.1f} s"]
    lines += [
        f"{_clock(each.start)} to {_clock(each.end)}  {each.label} {each.probability:.1%}"
        for each in segments
    ]
    return "\n".join(lines)


def write_timelines(file: Path | str, timelines: Sequence[Timeline]) -> None:
    """Writes the segments of videos as a CSV file: video, start, end, label, probability.

    It is the format of ground truth that `pan-keras evaluate --timeline` reads, with another
    column.

    Args:
        file: The file, replaced as a whole.
        timelines: One of each video.

    Raises:
        UserError: If the disk is full.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "start", "end", "label", "probability"])
    for found in timelines:
        for each in found.segments():
            share = "" if each.probability is None else f"{each.probability:.6f}"
            times = (f"{each.start:.3f}", f"{each.end:.3f}")
            table.writerow([displayed(found.path), *times, each.label, share])
    with replacing(file) as temporary:
        # Names of files need not be UTF-8.
        temporary.write_bytes(text.getvalue().encode("utf-8", "surrogateescape"))


def check_subtitles(file: Path | str) -> None:
    """Raises UserError if a file of subtitles has neither ending.

    Args:
        file: The file to write.
    """
    if Path(file).suffix.lower() not in SUBTITLES:
        raise UserError(f"{file}: subtitles are written as .srt or .vtt; name such a file")


def write_subtitles(file: Path | str, segments: Sequence[Segment]) -> None:
    """Writes segments as subtitles, which players show beside the video.

    Args:
        file: The file: SubRip if it ends in `.srt`, WebVTT if in `.vtt`; replaced as a whole.
        segments: The segments of one video.

    Raises:
        UserError: If it has another ending, or the disk is full.

    Example:
        >>> write_subtitles("wave.srt", [Segment(0.5, 2.0, "left", 0.98)])
        >>> print(Path("wave.srt").read_text().splitlines()[1])
        00:00:00,500 --> 00:00:02,000
    """
    check_subtitles(file)
    mark = SUBTITLES[Path(file).suffix.lower()]
    parts = ["WEBVTT\n"] if mark == "." else []
    for number, each in enumerate(segments, 1):
        share = "" if each.probability is None else f" {each.probability:.0%}"
        # A label may hold what marks up text or ends a cue.
        label = each.label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        times = f"{_clock(each.start, mark)} --> {_clock(each.end, mark)}"
        parts.append(f"{number}\n{times}\n{label if mark == '.' else each.label}{share}\n")
    with replacing(file) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")


def _clock(seconds: float, mark: str = ".") -> str:
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{mark}{thousandths:03}"
