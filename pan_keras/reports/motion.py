"""Frames, PA and optical flow of a video side by side."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from pan_keras.clips.crops import resize_shorter_side
from pan_keras.clips.opencv_resizing import resize
from pan_keras.drawing import panels
from pan_keras.drawing.colours import flow_colours, flow_wheel, heat, scale_of
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting, replacing
from pan_keras.flow import OpticalFlow
from pan_keras.inference.motion_cue import MotionCue
from pan_keras.models.networks import networks
from pan_keras.reports.frame_pairs import UNKNOWN_RATE, chunks, sample_pairs
from pan_keras.runs.run import Run, open_run
from pan_keras.video import frame_source, iterate_frames
from pan_keras.video.remote_tree import one_clip
from pan_keras.video.writer import writing_video

SIDE = 256  # pixels of the shorter side without a run
SHORTEST = 192  # pixels of the shorter side of a displayed picture
ROWS = 3  # pairs in a still picture


@dataclass(frozen=True)
class MotionPicture:
    """The result of `draw_motion`.

    Attributes:
        output: The file.
        pairs: Pairs of adjacent frames in it.
        size: Height and width in pixels of the frames that PA and flow were computed on.
        filters: Description of PA's filters.
        flow: Method of the optical flow.
        pa_scale: PA shown in the brightest colour; black is 0.
        flow_scale: Speed in pixels per frame shown in the brightest colour; black is 0.
        frames_per_second: Pairs drawn per second, from decoding to the written file.
    """

    output: str
    pairs: int
    size: tuple[int, int]
    filters: str
    flow: str
    pa_scale: float
    flow_scale: float
    frames_per_second: float

    def to_json(self) -> str:
        """One JSON object on one line."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Two lines of text."""
        height, width = self.size
        return (
            f"{self.output}: {self.pairs} pairs of frames of {height} x {width} pixels, "
            f"{self.frames_per_second:.0f} per second\n"
            f"PA 0 to {self.pa_scale:g} by {self.filters}; flow ({self.flow}) 0 to "
            f"{self.flow_scale:g} pixels per frame"
        )


def draw_motion(
    video: Path | str,
    output: Path | str,
    *,
    run: Path | str | None = None,
    flow: str = "dis_medium",
    size: int | None = None,
) -> MotionPicture:
    """Draws each frame of a video with its PA and optical flow.

    An mp4 has all pairs of adjacent frames, a PNG three of them. The colour scale is the same for
    the whole video and covers 99.8 % of the values of 16 pairs spread over it.

    Args:
        video: A video, a folder of frames, or the address of one.
        output: A file that ends in `.mp4` or `.png`.
        run: A run whose filters compute PA; by default a fixed bank of Gaussian derivatives.
        flow: One of `pan_keras.flow.METHODS`.
        size: Shorter side in pixels to which frames are resized; by default that of the run, or
            256, or the video's own if smaller.

    Returns:
        The file, its colour scales, and the flow and filters used.

    Raises:
        UserError: If the output has another suffix or is the video itself, the video cannot be
            read or has only one frame, the run has no PA, or there is no such flow.

    Example:
        >>> draw_motion("wave.mp4", "motion.mp4").pa_scale
        1.3

    References:
        PAN paper, Fig. 7.
    """
    output = Path(output)
    if output.suffix.lower() not in (".mp4", ".png"):
        raise UserError(f"{output}: name a file that ends in .mp4 or .png")
    video = one_clip(video)
    refuse_overwriting(output, [video])
    opened = None if run is None else open_run(run)
    cue = MotionCue() if opened is None else learnt_cue(opened)
    optical_flow = OpticalFlow(flow)
    side = size or (opened.shape.resize if opened else SIDE)
    shrink = partial(_resized, side=side, enlarge=size is not None or opened is not None)
    samples = sample_pairs(video, shrink)
    canvas = _canvas(samples, cue, optical_flow)
    start = time.perf_counter()
    if output.suffix.lower() == ".png":
        pairs = canvas.still(samples, output)
    else:
        frames = iterate_frames(video, transform=shrink)
        pairs = canvas.video(frames, output, frame_source(video).rate or UNKNOWN_RATE)
    return MotionPicture(
        output=str(output),
        pairs=pairs,
        size=samples[0].shape[1:3],
        filters=cue.filters,
        flow=flow,
        pa_scale=canvas.pa_scale,
        flow_scale=canvas.flow_scale,
        frames_per_second=round(pairs / (time.perf_counter() - start), 2),
    )


def learnt_cue(run: Run) -> MotionCue:
    """Returns PA with the filters that a run has learnt.

    Raises:
        UserError: If its network has no PA.
    """
    cue = MotionCue.of_networks(
        networks(run.load_model()), f"the filters that {run.path.name} has learnt"
    )
    if cue is None:
        raise UserError(
            f"{run.path}: {run.config.model.name} has no persistence of appearance; name "
            "another run, or none for a fixed filter bank"
        )
    return cue


@dataclass(frozen=True)
class _Canvas:
    """Layout and colour scales for the pictures of a video."""

    cue: MotionCue
    flow: OpticalFlow
    pa_scale: float
    flow_scale: float
    size: tuple[int, int]  # height and width of a displayed picture

    def still(self, samples: list[np.ndarray], output: Path) -> int:
        """Writes some of the sampled pairs, one per row."""
        places = np.linspace(0, len(samples) - 1, min(ROWS + 2, len(samples))).round().astype(int)
        # The first and last moments of a video seldom show the action.
        chosen = [samples[place] for place in (places[1:-1] if len(samples) > ROWS else places)]
        gap = panels.blank(panels.GAP, self._width(4))
        lines = [self.headings(["frame", "next frame"])]
        for pair in chosen:
            pa, flow = self.pictures(pair, self.cue(pair)[0])
            lines += [self._row([*pair, pa, flow]), gap]
        picture = np.vstack([*lines[:-1], self.legends(4)])
        with replacing(output) as temporary:
            temporary.write_bytes(panels.png(picture))
        return len(chosen)

    def video(self, frames: Iterator[np.ndarray], output: Path, rate: float) -> int:
        """Writes all pairs, one per frame."""
        above, below = self.headings(["frame"]), self.legends(3)
        pairs = 0
        with writing_video(output, rate) as write:
            for chunk in chunks(frames):
                for pair, pa in zip(pairwise(chunk), self.cue(chunk), strict=True):
                    middle = self._row([pair[0], *self.pictures(pair, pa)])
                    write(_even(np.vstack([above, middle, below])))
                    pairs += 1
        return pairs

    def pictures(self, pair, pa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns PA and flow of a pair in colour."""
        return heat(pa, self.pa_scale), flow_colours(self.flow(*pair), self.flow_scale)

    def headings(self, frames: list[str]) -> np.ndarray:
        """Draws the names of the columns."""
        texts = [*frames, "PA", f"optical flow ({self.flow.method})"]
        return panels.headings(texts, [self.size[1]] * len(texts))

    def legends(self, columns: int) -> np.ndarray:
        """Draws the colour scales under the last two columns."""
        width = self.size[1]
        speed = panels.blank(panels.MARGIN, width)
        wheel = flow_wheel(panels.MARGIN - 4)
        speed[2:-2, 2 : 2 + len(wheel)] = wheel
        panels.write(speed, f"0 to {self.flow_scale:.2g} pixels per frame", (34, panels.MARGIN - 9))
        legends = [panels.heat_legend(self.pa_scale, width), speed]
        return panels.row([panels.blank(panels.MARGIN, width)] * (columns - 2) + legends)

    def _row(self, pictures: list[np.ndarray]) -> np.ndarray:
        return panels.row([panels.enlarge(picture, self.size) for picture in pictures])

    def _width(self, columns: int) -> int:
        return columns * self.size[1] + (columns - 1) * panels.GAP


def _canvas(samples: list[np.ndarray], cue: MotionCue, flow: OpticalFlow) -> _Canvas:
    speeds = [np.hypot(*np.moveaxis(flow(*pair), -1, 0)) for pair in samples]
    return _Canvas(
        cue=cue,
        flow=flow,
        pa_scale=scale_of(cue(np.stack(samples))),
        flow_scale=scale_of(np.stack(speeds)),
        size=panels.viewing_size(samples[0].shape[1:3], SHORTEST),
    )


def _resized(frame: np.ndarray, side: int, enlarge: bool) -> np.ndarray:
    return resize_shorter_side(frame, side if enlarge else min(side, *frame.shape[:2]), resize)


def _even(picture: np.ndarray) -> np.ndarray:
    """Drops an odd last row or column, since the encoder needs even sides."""
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
