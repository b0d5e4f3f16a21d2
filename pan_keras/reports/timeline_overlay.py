"""Draws the segments of a timeline over its video."""

from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting
from pan_keras.inference.prediction import Prediction
from pan_keras.inference.timelines import Timeline
from pan_keras.reports.frame_pairs import UNKNOWN_RATE
from pan_keras.reports.overlay import answer_box, over, viewable
from pan_keras.video import frame_source, iterate_frames
from pan_keras.video.writer import writing_video


def draw_timeline(found: Timeline, output: Path | str) -> None:
    """Writes a copy of a video in which each segment is named while it lasts.

    Args:
        found: The timeline of the video.
        output: The mp4 file.

    Raises:
        UserError: If it does not end in .mp4 or is the video itself, the video can no longer be
            read, or the disk is full.

    Example:
        >>> from pan_keras.inference.timelines import timeline
        >>> draw_timeline(timeline("runs/demo", "wave.mp4"), "answers.mp4")
    """
    output = Path(output)
    if output.suffix.lower() != ".mp4":
        raise UserError(f"{output}: name a file that ends in .mp4")
    refuse_overwriting(output, [found.path])
    rate = frame_source(found.path).rate or UNKNOWN_RATE
    segments = found.segments()
    next_one, box, number = 0, None, -1
    with writing_video(output, rate) as write:
        for number, picture in enumerate(iterate_frames(found.path, transform=viewable)):
            time = number / rate
            while next_one < len(segments) and segments[next_one].end <= time:
                next_one, box = next_one + 1, None
            if next_one == len(segments) or segments[next_one].start > time:
                write(picture)
                continue
            if box is None:
                segment = segments[next_one]
                answer = Prediction(found.path, ((segment.label, segment.probability or 0.0),))
                box = answer_box(answer, picture.shape[1])
            write(over(picture, box, picture.shape[0] - len(box)))
        if number < 0:
            raise UserError(f"{found.path}: its frames cannot be decoded; draw another")
