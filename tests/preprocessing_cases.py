"""Test cases of preprocessing for apps, in `tests/golden/preprocessing.json`.

    PYTHONPATH=. python tests/preprocessing_cases.py

writes the file. Frames of videos are their numbers; byte `c` of pixel `(x, y)` of a frame that is
scaled is `(3 * x * x + 5 * y * y + 7 * x * y + 85 * c) & 255`.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pan_keras.bundle.schema import live_facts
from pan_keras.clips import ClipShape
from pan_keras.clips.live_window import LiveSampling, LiveWindow
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.runtime.preprocessing import frame_for_model

FILE = Path(__file__).parent / "golden" / "preprocessing.json"
VIDEOS = [
    (40, 4, 2),
    (83, 8, 3),
    (300, 8, 4),
    (9, 8, 3),
    (8, 8, 1),
    (3, 4, 2),
    (1, 8, 4),
    (2, 3, 5),
]
# Frame, size, resize and fit.
FRAMES = [
    ((48, 64), (24, 32), 28, "crop"),
    ((64, 48), (24, 32), 28, "crop"),
    ((28, 37), (24, 32), 28, "crop"),
    ((20, 90), (24, 32), 28, "crop"),
    ((37, 53), (24, 24), 25, "crop"),
    ((97, 211), (24, 32), 28, "letterbox"),
    ((64, 48), (24, 32), 28, "letterbox"),
    ((3, 200), (24, 32), 28, "letterbox"),
    ((48, 64), (24, 32), 28, "squash"),
    ((11, 90), (24, 32), 28, "squash"),
]


def camera(rate, seconds, *, gap=(), back=(), shuffled=()):
    """Times of frames at about `rate` per second, exact to three decimals.

    Args:
        rate: Frames per second.
        seconds: Duration.
        gap: Times of the start and end of a silence.
        back: A time, and by how much the clock is set back then.
        shuffled: Numbers of frames to swap with the next.
    """
    jitter = np.random.default_rng(7).uniform(-0.3, 0.3, int(rate * seconds))
    times = (np.arange(len(jitter)) + jitter) / rate
    if gap:
        times = times[(times < gap[0]) | (times > gap[1])]
    if back:
        times = np.where(times < back[0], times, times - back[1])
    for number in shuffled:
        times[[number, number + 1]] = times[[number + 1, number]]
    return [round(5 + float(time), 3) for time in times]


STREAMS = {
    "as fast as training": (4, 2, 25.0, 9.75, camera(25, 4)),
    "twice as fast": (4, 2, 25.0, 9.75, camera(50, 3)),
    "slower": (4, 3, 30.0, 5.125, camera(12, 5)),
    "a silence longer than a clip": (4, 2, 25.0, 4.25, camera(25, 5, gap=(2.0, 3.5))),
    "a short silence": (4, 2, 25.0, 4.25, camera(25, 4, gap=(2.0, 2.4))),
    "the clock is set back": (4, 2, 25.0, 4.25, camera(25, 4, back=(2.0, 1.5))),
    "out of order": (4, 2, 25.0, 4.25, camera(50, 3, shuffled=(11, 40, 41, 80))),
    "out of order before a silence": (
        *(4, 2, 25.0, 4.25),
        camera(50, 3, gap=(1.0, 1.3), shuffled=(49,)),
    ),
    "segments overlap": (8, 5, 15.0, 1.5, camera(15, 4)),
    "no rate": (4, 2, None, 3.5, camera(25, 2)),
}


def golden_frame(height, width):
    y, x, colour = np.ogrid[:height, :width, :3]
    return ((3 * x * x + 5 * y * y + 7 * x * y + 85 * colour) & 255).astype(np.uint8)


def whole_video(frames, segments, stack):
    starts = spread_starts(frames, segments, stack)[0]
    return stack_frames(starts, frames, stack).tolist()


def live(segments, stack, rate, stride, times):
    """Each segment: the number of the frame that completes it, its frames, whether it is first."""
    window, found = LiveWindow(LiveSampling(segments, stack, rate, stride)), []
    for number, time in enumerate(times):
        for segment in window.push(np.array(number), time):
            record = {"at": number, "frames": segment.frames.tolist(), "first": segment.is_first}
            found.append(record)
    return found


def cases():
    """All cases with expected results."""
    whole, streams, frames = [], [], []
    for video in VIDEOS:
        given = dict(zip(("frames", "segments", "stack"), video, strict=True))
        whole.append({**given, "result": whole_video(*video)})
    for name, (segments, stack, rate, stride, times) in STREAMS.items():
        facts = live_facts(segments, stack, rate, stride)
        given = {"segments": segments, "stack": stack, "frame_rate": rate, "live": facts}
        result = live(segments, stack, rate, stride, times)
        streams.append({"name": name, **given, "times": times, "result": result})
    for frame, size, resize, fit in FRAMES:
        shape = ClipShape(1, 1, size, resize, fit)
        pixels = frame_for_model(golden_frame(*frame), shape)
        given = {key: value for key, value in asdict(shape).items() if key in ("resize", "fit")}
        given |= {"height": size[0], "width": size[1], "resizing": shape.resizing}
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        result = {"sum": int(pixels.sum(dtype=int)), "sha256": digest}
        frames.append({"frame": list(frame), "input": given, "result": result})
    return {"whole_video": whole, "live": streams, "frame": frames}


def lines(value, depth=2):
    """JSON with one record per line."""
    if depth and isinstance(value, dict):
        inner = [f'"{key}": {lines(each, depth - 1)}' for key, each in value.items()]
        return "{\n" + ",\n".join(inner) + "\n}"
    if depth and isinstance(value, list):
        return "[\n " + ",\n ".join(json.dumps(each) for each in value) + "\n]"
    return json.dumps(value)


if __name__ == "__main__":
    FILE.write_text(lines(cases()) + "\n", encoding="utf-8")
