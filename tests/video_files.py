"""Small videos of all kinds for tests, and a simple decoder to compare with."""

import os
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

REAL_VIDEOS = Path(__file__).parents[2] / "shared" / "videos"

FIELD = REAL_VIDEOS.parent / "field"

needs_field = pytest.mark.skipif(
    not FIELD.is_dir(), reason="the inputs from the field are not beside this checkout"
)
needs_real_videos = pytest.mark.skipif(
    not REAL_VIDEOS.is_dir(), reason="the real videos are not beside this checkout"
)


def moving_frames(count, height=48, width=64, seed=0):
    """A smooth moving texture; all frames differ."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3)).astype(np.uint8)
    texture = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return np.stack([np.roll(texture, 3 * i, axis=1) for i in range(count)])


def write_video(
    path,
    frames,
    codec="libx264",
    pixels="yuv420p",
    times=None,
    rotation=0,
    matrix=None,
    format_=None,
    **options,
):
    """Encodes frames; `times` in hundredths of a second makes the frame rate vary.

    `matrix`, in place of `rotation`, is (a, b, c, d): a stored pixel (p, q) is shown at
    x = a p + c q, y = b p + d q, y pointing down.
    """
    with _ordinary_priority(), av.open(str(path), "w", format=format_) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.options = {key: str(value) for key, value in options.items()}
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 100)
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix:
            a, b, c, d = (round(entry * 2**16) for entry in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 2**30])
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_frames(folder, frames, name="{:05d}.png", first=1):
    """Writes frames as pictures, one file per frame."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(frames, first):
        cv2.imwrite(str(folder / name.format(number)), np.ascontiguousarray(pixels[..., ::-1]))
    return folder


@contextmanager
def _ordinary_priority():
    """Resets the priority: SVT-AV1 makes the process real-time for superusers, starving tests."""
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler"):
            for thread in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def every_frame(path):
    """All frames as shown by a player, decoded sequentially."""
    to_rgb = VideoReformatter()
    with av.open(str(path)) as container:
        shown = container.decode(video=0)
        return np.stack([to_rgb.reformat(f, format="rgb24").to_ndarray() for f in shown])


def numbered_frames(count, height=64, width=96):
    """Frame i shows i as eight black and white blocks, most significant first."""
    bits = np.arange(count)[:, None] >> np.arange(7, -1, -1) & 1
    blocks = (bits.reshape(-1, 2, 4) * 255).astype(np.uint8)
    blocks = blocks.repeat(height // 2, axis=1).repeat(width // 4, axis=2)
    return np.repeat(blocks[..., None], 3, axis=3)


def number_of(pixels):
    """The number that a numbered frame shows."""
    height, width = pixels.shape[:2]
    centres = pixels[height // 4 :: height // 2, width // 8 :: width // 4, 0] > 127
    return int(centres.ravel() @ (1 << np.arange(7, -1, -1)))
