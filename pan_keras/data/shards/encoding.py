"""Compresses the frames of a clip into the record of a shard."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from typing import Any, Literal

import av
import cv2
import numpy as np

from pan_keras.clips.crops import resize_shorter_side
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.resizing import RESIZING
from pan_keras.errors import UserError
from pan_keras.video import FrameSource
from pan_keras.video.shard_record import COMPRESSIONS, pack_record

ShardFormat = Literal["jpeg", "h264"]
QUALITY, CRF = 95, 18
LARGEST_CRF = 51
PORTION = 64  # frames read at once from a clip of which some cannot be decoded


@dataclass(frozen=True)
class ShardEncoding:
    """How the frames of clips are stored.

    Args:
        format: `"jpeg"`, every frame on its own, or `"h264"`, groups of eight frames.
        quality: Quality of JPEG, 1 to 100; by default 95.
        crf: Constant rate factor of H.264, 0 (best) to 51; by default 18.
        short_side: Length to which a longer shorter side is scaled, in pixels; 0 keeps the size.

    Raises:
        UserError: If a value is out of range, or belongs to the other format.

    Example:
        >>> ShardEncoding(quality=90).facts()["quality"]
        90
    """

    format: ShardFormat = "jpeg"
    quality: int | None = None
    crf: int | None = None
    short_side: int = 256

    def __post_init__(self) -> None:
        if self.format not in COMPRESSIONS:
            raise UserError(f"format: {self.format!r} is not one of {', '.join(COMPRESSIONS)}")
        if self.format == "jpeg":
            _refuse("crf", self.crf, "h264")
            quality = QUALITY if self.quality is None else self.quality
            _check("quality", quality, 1, 100)
            object.__setattr__(self, "quality", quality)
        else:
            _refuse("quality", self.quality, "jpeg")
            crf = CRF if self.crf is None else self.crf
            _check("crf", crf, 0, LARGEST_CRF)
            object.__setattr__(self, "crf", crf)
        if self.short_side != 0:
            _check("short_side", self.short_side, 16, 8192)

    def facts(self) -> dict[str, Any]:
        """Everything that determines the stored pixels, with the versions of the encoder.

        Returns:
            A JSON object.
        """
        strength = (
            {"quality": self.quality} if self.format == "jpeg" else {"crf": self.crf, "group": 8}
        )
        package = "opencv-contrib-python-headless" if self.format == "jpeg" else "av"
        return {
            "format": self.format,
            **strength,
            "short_side": self.short_side,
            "resizing": RESIZING,
            "decoder": f"av {metadata.version('av')}",
            "encoder": f"{package} {metadata.version(package)}",
        }

    def record(self, source: FrameSource) -> tuple[bytes, int, tuple[int, int]]:
        """Compresses a clip.

        Frames have the numbers of the source: one that cannot be decoded is replaced by the nearest
        one that can, as in reading a video.

        Args:
            source: The clip.

        Returns:
            The record, the number of frames, and their width and height.

        Raises:
            BrokenVideo: If the clip cannot be read.

        Example:
            >>> from pan_keras.video import frame_source
            >>> content, frames, size = ShardEncoding().record(frame_source("wave.mp4"))
            >>> frames, size
            (24, (72, 72))
        """
        count = len(source)
        found, size = self._compressed(source.iterate(self._shrunk))
        if len(found) != count:
            found, size = self._compressed(_by_number(source, count, self._shrunk))
        return pack_record(COMPRESSIONS[self.format], size, found), count, size

    def _shrunk(self, frame: np.ndarray) -> np.ndarray:
        if not self.short_side or min(frame.shape[:2]) <= self.short_side:
            return frame
        return resize_shorter_side(frame, self.short_side, resize)

    def _compressed(self, frames: Iterable[np.ndarray]) -> tuple[list[bytes], tuple[int, int]]:
        size = (0, 0)

        def measured() -> Iterator[np.ndarray]:
            nonlocal size
            for frame in frames:
                size = (frame.shape[1], frame.shape[0])
                yield frame

        packets = self._jpegs(measured()) if self.format == "jpeg" else self._h264(measured())
        return packets, size

    def _jpegs(self, frames: Iterable[np.ndarray]) -> list[bytes]:
        options = [cv2.IMWRITE_JPEG_QUALITY, int(self.quality or QUALITY)]
        return [
            cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1].tobytes()
            for frame in frames
        ]

    def _h264(self, frames: Iterable[np.ndarray]) -> list[bytes]:
        context: Any = None
        packets: list[av.Packet] = []
        for number, pixels in enumerate(frames):
            even = np.pad(pixels, [(0, side % 2) for side in pixels.shape[:2]] + [(0, 0)], "edge")
            if context is None:
                context = self._encoder(even.shape[1], even.shape[0])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts = number
            packets += context.encode(frame)
        if context is not None:
            packets += context.encode(None)
        group = COMPRESSIONS["h264"].group
        for number, packet in enumerate(packets):
            assert packet.pts == number and packet.is_keyframe == (number % group == 0)
        return [bytes(packet) for packet in packets]

    def _encoder(self, width: int, height: int) -> Any:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.thread_count = 1
        group = COMPRESSIONS["h264"].group
        # Every packet is one frame, in the order shown, and every group is decoded on its own.
        context.options = {
            "crf": str(self.crf),
            "preset": "medium",
            "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0:bframes=0:threads=1",
        }
        return context


def _by_number(
    source: FrameSource, count: int, transform: Callable[[np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    for start in range(0, count, PORTION):
        yield from source.read(range(start, min(start + PORTION, count)), transform)


def _refuse(name: str, value: int | None, other: str) -> None:
    if value is not None:
        raise UserError(f"{name} belongs to shards of the format {other}; leave it out")


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(f"{name} is {value}; it must be {low} to {high}")
