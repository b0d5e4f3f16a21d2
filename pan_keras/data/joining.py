"""Joins labelled clips into a long video with ground truth."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting, replacing
from pan_keras.video import BrokenVideo, frame_source, iterate_frames
from pan_keras.video.writer import writing_video


def join_clips(plan: Path | str, output: Path | str, rate: float = 30.0) -> Path:
    """Joins clips into one video for evaluating timelines.

    Args:
        plan: A CSV file with the columns path and label, one clip per row in playing order; paths
            are relative to its folder. A clip with an empty label shows no action.
        output: The mp4 file. The ground truth is written beside it, as .csv, with the columns
            video, start, end and label.
        rate: Frames per second of the video. Clips of another rate keep their speed: frames are
            repeated or dropped.

    Returns:
        The file with the ground truth.

    Raises:
        UserError: If the plan is damaged, a clip cannot be read or differs in size from the first,
            or the disk is full.

    Example:
        >>> text = "path,label\\nwave.mp4,left\\nwave.mp4,\\n"
        >>> _ = Path("plan.csv").write_text(text)
        >>> truth = join_clips("plan.csv", "long.mp4")
        >>> print(truth.read_text().splitlines()[1].split(",")[-1])
        left
    """
    plan, output = Path(plan), Path(output)
    clips = _clips(plan)
    truth = output.with_suffix(".csv")
    if output.suffix.lower() != ".mp4":
        raise UserError(f"{output}: name a file that ends in .mp4")
    for file in (output, truth):
        refuse_overwriting(file, [plan, *(path for path, _ in clips)])
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "start", "end", "label"])
    count, size = 0, None
    with writing_video(output, rate) as write:
        for path, label in clips:
            start = count
            for frame in _at_rate(path, rate):
                even = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
                size = size or even.shape
                if even.shape != size:
                    raise UserError(
                        f"{path}: is {even.shape[1]}x{even.shape[0]}, the first clip "
                        f"{size[1]}x{size[0]}; join clips of one size"
                    )
                write(even)
                count += 1
            times = (f"{start / rate:.3f}", f"{count / rate:.3f}")
            table.writerow([output.name, *times, label])
    with replacing(truth) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    return truth


def _clips(plan: Path) -> list[tuple[Path, str]]:
    try:
        rows = list(csv.DictReader(plan.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{plan}: cannot be read as CSV ({error}); give another file") from None
    if not rows or not {"path", "label"} <= rows[0].keys():
        raise UserError(f"{plan}: needs the columns path and label and a row for each clip")
    return [(plan.parent / row["path"], row["label"] or "") for row in rows]


def _at_rate(path: Path, rate: float) -> Iterator[np.ndarray]:
    """Yields a clip's frames, repeated or dropped to match a frame rate."""
    try:
        own = frame_source(path).rate or rate
        written = 0
        for number, frame in enumerate(iterate_frames(path, transform=lambda pixels: pixels)):
            while written / rate < (number + 1) / own:
                yield frame
                written += 1
    except (BrokenVideo, OSError) as error:
        raise UserError(f"{path}: cannot be read as video ({error}); leave it out") from None
