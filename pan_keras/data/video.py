"""Frames of a video file as pixels: only those asked for, upright, in RGB."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.data.container import MAX_PIXELS, BrokenVideo, Clock, opened
from pan_keras.data.frame_index import FrameIndex, Run, frame_index


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds.

    Args:
        frames: Frames that are shown, counted.
        rate: Frames per second, the mean over the file.
        width: Pixels across, upright.
        height: Pixels down, upright.
        rotation: Degrees, counter-clockwise, by which stored frames were turned upright.
    """

    frames: int
    rate: float
    width: int
    height: int
    rotation: int


def probe(path: Path | str, *, timeout: float = 30.0) -> VideoInfo:
    """Counts the frames of a video and decodes the first.

    Args:
        path: A video file.
        timeout: Seconds it may take.

    Raises:
        BrokenVideo: If no frame can be decoded.

    Example:
        >>> probe("up_1.mp4")
        VideoInfo(frames=81, rate=30.0, width=214, height=160, rotation=0)
    """
    index = frame_index(path, timeout)
    reader = _Reader(Path(path), index, timeout)
    height, width, _ = reader.read([0])[0].shape
    return VideoInfo(len(index), index.rate, width, height, reader.rotation)


def read_frames(
    path: Path | str,
    indices: Sequence[int] | np.ndarray,
    *,
    timeout: float = 30.0,
    transform: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Decodes the frames asked for, upright, as 8-bit RGB whatever the pixel format.

    Frame `i` is the one shown as number `i`, from 0. Where that frame cannot be decoded in an
    otherwise good file, the nearest one that can stands in for it.

    Args:
        path: A video file.
        indices: At least one frame, in any order, repeats allowed, from 0 to `frames - 1`.
        timeout: Seconds it may take.
        transform: Applied to each frame as it is decoded, for example a resize: a long clip in
            full size may not fit in memory.

    Returns:
        uint8 `(len(indices), H, W, 3)`.

    Raises:
        BrokenVideo: If no frame can be decoded or the time is over.
        IndexError: If there is no such frame.

    Example:
        >>> read_frames("up_1.mp4", [0, 40, 41]).shape
        (3, 160, 214, 3)
    """
    index = frame_index(path, timeout)
    indices = [int(i) for i in indices]
    if not 0 <= min(indices) <= max(indices) < len(index):
        raise IndexError(f"{path}: frames {min(indices)} to {max(indices)} of {len(index)}")
    frames = _Reader(Path(path), index, timeout, transform).read(sorted(set(indices)))
    return np.stack([frames[i] for i in indices])


def iterate_frames(
    path: Path | str, *, timeout: float = 30.0, transform: Callable[[np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    """Decodes a video from its first frame to its last, one frame in memory at a time.

    Args:
        path: A video file.
        timeout: Seconds that one read of the file may take; the whole may take any time.
        transform: Applied to each frame as it is decoded, for example a resize.

    Yields:
        uint8 `(H, W, 3)`, upright RGB, the frames that can be decoded in the order shown.

    Raises:
        BrokenVideo: If the file cannot be opened or reading it fails.

    Example:
        >>> sum(1 for _ in iterate_frames("up_1.mp4", transform=lambda frame: frame))
        81
    """
    reader = _Reader(Path(path), frame_index(path, timeout), timeout, transform)
    yield from reader.iterate()


def upright(frame: av.VideoFrame, to_rgb: VideoReformatter, size: tuple[int, int]) -> np.ndarray:
    """A decoded frame as pixels.

    Args:
        frame: The frame as stored.
        to_rgb: Converts it; kept from frame to frame.
        size: Width and height in pixels that it is brought to before it is turned.

    Returns:
        uint8 `(H, W, 3)`, RGB, turned as the file says.
    """
    rgb = to_rgb.reformat(frame, width=size[0], height=size[1], format="rgb24", threads=1)
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), round(frame.rotation / 90)))


class _Reader:
    """Decodes frames of one file; what is damaged is read from the start, in order."""

    def __init__(
        self,
        path: Path,
        index: FrameIndex,
        timeout: float,
        transform: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.path = path
        self.index = index
        self.timeout = timeout
        self.transform = transform
        self.to_rgb = VideoReformatter()
        self.size: tuple[int, int] | None = None
        self.rotation = 0

    def read(self, wanted: list[int]) -> dict[int, np.ndarray]:
        frames: dict[int, np.ndarray] = {}
        with opened(self.path, self.timeout) as (container, stream, clock):
            sound = all(
                self._decode(container, stream, clock, run, frames)
                for run in self.index.runs(wanted)
            )
        if sound and len(frames) == len(wanted):
            return frames
        return self._read_damaged(wanted)

    def iterate(self) -> Iterator[np.ndarray]:
        # The clock of a clip does not fit: whoever takes the frames may be slow.
        endless = Clock(math.inf, 0.0)
        with opened(self.path, self.timeout) as (container, stream, _):
            for _, frame in self._shown(container, stream, endless, []):
                yield self._pixels(frame)

    def _read_damaged(self, wanted: list[int]) -> dict[int, np.ndarray]:
        # What a decoder makes of damage depends on where it began. Beginning always at the
        # start gives the same pixels whichever frames are asked for.
        with opened(self.path, self.timeout) as (container, stream, clock):
            there = np.array(
                sorted({i for i, _ in self._shown(container, stream, clock, [])}), np.int64
            )
        if not len(there):
            raise BrokenVideo(self.path, "none of its frames can be decoded")
        nearest = {i: int(there[np.abs(there - i).argmin()]) for i in wanted}
        frames: dict[int, np.ndarray] = {}
        with opened(self.path, self.timeout) as (container, stream, clock):
            run = Run(0, tuple(sorted(set(nearest.values()))))
            self._decode(container, stream, clock, run, frames)
        return {i: frames[place] for i, place in nearest.items()}

    def _decode(
        self, container, stream, clock: Clock, run: Run, frames: dict[int, np.ndarray]
    ) -> bool:
        """Adds the run's frames; tells whether the decoder met no damage on the way."""
        if run.key:
            try:
                container.seek(int(self.index.seek_times[run.key]), stream=stream, backward=True)
            except av.error.FFmpegError:
                return False
        targets = set(run.targets)
        faults: list[Exception] = []
        for place, frame in self._shown(container, stream, clock, faults):
            if place in targets:
                frames[place] = self._pixels(frame)
                targets.discard(place)
                if not targets:
                    break
        return not faults

    def _shown(
        self, container, stream, clock: Clock, faults: list[Exception]
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decodes on from here: (place, frame) for each frame that the index knows."""
        count = 0
        for packet in container.demux(stream):
            clock.check()
            try:
                decoded = packet.decode()
            except (av.error.FFmpegError, ValueError) as error:
                faults.append(error)
                continue
            for frame in decoded:
                place = self.index.position(frame.pts) if self.index.timed else count
                count += 1
                if place is not None and place < len(self.index):
                    yield place, frame

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        if frame.width * frame.height > MAX_PIXELS:
            raise BrokenVideo(self.path, f"its frames claim {frame.width}x{frame.height} pixels")
        # A stream may change its size midway; all frames get the size of the first.
        self.size = self.size or (frame.width, frame.height)
        self.rotation = frame.rotation
        pixels = upright(frame, self.to_rgb, self.size)
        return self.transform(pixels) if self.transform else pixels
