"""The record of a clip in a shard: its frames, compressed one by one or in short groups."""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.video.container import MAX_PIXELS, BrokenVideo, refuse_shape
from pan_keras.video.gathering import gathered

MAGIC = b"PANC"
# Marker, number of the codec, frames per group, width, height, frames. The length of each
# compressed frame follows, then the frames.
_HEAD = struct.Struct("<4sHHIII")
_LENGTH = np.dtype("<u4")

Transform = Callable[[np.ndarray], np.ndarray]


class Compression(NamedTuple):
    """How the frames of a record are compressed.

    Attributes:
        number: Number of the codec in a record.
        decoder: Name of the decoder.
        group: Frames per group; the first of a group is decoded without others.
    """

    number: int
    decoder: str
    group: int


# A group of eight frames of H.264 costs little more than single stacks of four to eight frames.
COMPRESSIONS = {"jpeg": Compression(1, "mjpeg", 1), "h264": Compression(2, "h264", 8)}
_DECODERS = {each.number: each.decoder for each in COMPRESSIONS.values()}


def pack_record(compression: Compression, size: tuple[int, int], frames: Sequence[bytes]) -> bytes:
    """Joins the compressed frames of a clip to a record.

    Args:
        compression: How they are compressed.
        size: Width and height in pixels; frames of H.264 may be one pixel larger.
        frames: One packet per frame, in order.

    Example:
        >>> len(pack_record(COMPRESSIONS["jpeg"], (64, 48), [b"frame"]))
        29
    """
    head = _HEAD.pack(MAGIC, compression.number, compression.group, *size, len(frames))
    lengths = np.array([len(frame) for frame in frames], _LENGTH).tobytes()
    return b"".join((head, lengths, *frames))


class ShardRecord:
    """The frames of a record. Frames that are not requested are decoded only within their group.

    Args:
        path: The clip, for messages.
        content: The record.

    Raises:
        BrokenVideo: If the content is not a record.
    """

    def __init__(self, path: Path, content: bytes):
        self.path = path
        self._content = content
        try:
            magic, number, self._group, width, height, count = _HEAD.unpack_from(content)
            if magic != MAGIC or number not in _DECODERS or not (self._group and count):
                raise ValueError("it has another format")
            lengths = np.frombuffer(content, _LENGTH, count, _HEAD.size).astype(np.int64)
            start = _HEAD.size + count * _LENGTH.itemsize
            self._ends = start + np.cumsum([0, *lengths])
            if self._ends[-1] != len(content):
                raise ValueError("its length is wrong")
        except (struct.error, ValueError) as error:
            raise self._damaged(error) from error
        if not (width and height):
            raise self._damaged("its frames are empty")
        refuse_shape(path, width, height)
        self._decoder = _DECODERS[number]
        self.size = (width, height)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """Decodes frames by number.

        Args:
            indices: Numbers from 0, in any order.
            transform: Applied to each frame.

        Returns:
            uint8 `(len(indices), H, W, 3)`.

        Raises:
            BrokenVideo: If a frame cannot be decoded.
        """
        wanted = sorted({int(index) for index in indices})
        return gathered(indices, self._decoded(wanted, transform))

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """Yields all frames in order.

        Args:
            transform: Applied to each frame.
        """
        for _, frame in self._decoded(range(len(self)), transform):
            yield frame

    def _decoded(
        self, wanted: Sequence[int], transform: Transform | None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yields wanted frames, given in ascending order, with their numbers."""
        context = av.CodecContext.create(self._decoder, "r")
        context.options = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}
        context.thread_count = 1
        to_rgb = VideoReformatter()
        ahead = -1
        for index in wanted:
            start = index // self._group * self._group
            for place in range(max(start, ahead + 1), index + 1):
                frame = self._frame(context, place)
            ahead = index
            yield index, self._pixels(frame, to_rgb, transform)

    def _frame(self, context: av.CodecContext, place: int) -> av.VideoFrame:
        start, end = self._ends[place : place + 2].tolist()
        try:
            # Without reordered frames, the decoder returns each frame with its own packet.
            (frame,) = context.decode(av.Packet(self._content[start:end]))
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise self._damaged(f"frame {place} cannot be decoded") from error
        return frame

    def _pixels(
        self, frame: av.VideoFrame, to_rgb: VideoReformatter, transform: Transform | None
    ) -> np.ndarray:
        width, height = self.size
        if not (width <= frame.width <= width + 1 and height <= frame.height <= height + 1):
            raise self._damaged(f"a frame has {frame.width}x{frame.height} pixels")
        rgb = to_rgb.reformat(frame, format="rgb24", threads=1).to_ndarray()
        pixels = np.ascontiguousarray(rgb[:height, :width])
        return transform(pixels) if transform else pixels

    def _damaged(self, reason: object) -> BrokenVideo:
        return BrokenVideo(self.path, f"its record is damaged ({reason})")
