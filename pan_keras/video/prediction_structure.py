"""Reference frames from which the frames of a video were predicted."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from pan_keras.video.container import OpenVideo, opened
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.packet_scan import frame_index

# H.264 unit types of coded slices: non-IDR, data partition A, and IDR.
SLICES = (1, 2, 5)
AVCC = 1  # first byte of an H.264 header if units have lengths instead of start codes
START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True)
class PredictionStructure:
    """The distances of each frame to its reference frames.

    Decoders do not report which of several references a block was predicted from. The nearest one
    in its direction is assumed: exact for codecs with a single reference, and nearly always right
    for others.

    Args:
        past: Frames back to the nearest reference, 0 if there is none `(frames,)`.
        future: Frames ahead to the nearest reference decoded earlier, 0 if there is none; non-zero
            for B-frames only `(frames,)`.
        next_anchor: The first frame at or after each frame that is not a B-frame, -1 if there is
            none `(frames,)`.
    """

    past: np.ndarray
    future: np.ndarray
    next_anchor: np.ndarray

    @classmethod
    def from_order(cls, order: np.ndarray, reference: np.ndarray | None) -> "PredictionStructure":
        """Finds the references from the decoding order.

        Args:
            order: Position of each frame in decoding order, equal for frames of one packet
                `(frames,)`.
            reference: bool `(frames,)`, whether each frame may be a reference; None if unknown, in
                which case all but B-frames are.

        Example:
            >>> structure = PredictionStructure.from_order(np.array([0, 2, 3, 1]), None)
            >>> structure.past, structure.future
            (array([0, 1, 2, 3]), array([0, 2, 1, 0]))
        """
        past, future = np.zeros(len(order), int), np.zeros(len(order), int)
        known: list[int] = []
        # Of two frames in one packet, the later one is the reference of the other.
        for place in np.lexsort((-np.arange(len(order)), order)).tolist():
            after = bisect_left(known, place)
            past[place] = place - known[after - 1] if after else 0
            future[place] = known[after] - place if after < len(known) else 0
            if future[place] == 0 if reference is None else reference[place]:
                insort(known, place)
        places = np.arange(len(order))
        anchors = np.where(future == 0, places, len(order))
        following = np.minimum.accumulate(anchors[::-1])[::-1]
        return cls(past, future, np.where(following < len(order), following, -1))


def prediction_structure(path: Path, timeout: float) -> PredictionStructure:
    """Reads the structure from the packets of a file; cached until the file changes.

    Args:
        path: A video file.
        timeout: Seconds per step of reading.

    Raises:
        BrokenVideo: If there is no video in it.
    """
    status = path.stat()
    return _known(path, status.st_size, status.st_mtime_ns, timeout)


@lru_cache(maxsize=1024)
def _known(path: Path, _size: int, _changed: int, timeout: float) -> PredictionStructure:
    index = frame_index(path, timeout)
    with opened(path, timeout) as video:
        order, kept = _read(video, index)
        told = video.stream.codec.canonical_name == "h264"
    return PredictionStructure.from_order(order, np.array(kept)[order] if told else None)


def _read(video: OpenVideo, index: FrameIndex) -> tuple[np.ndarray, list[bool]]:
    """The packet of each frame, and for each packet whether its frame is a reference."""
    context = video.stream.codec_context
    header = context.extradata or b""
    length = (header[4] & 3) + 1 if len(header) > 4 and header[0] == AVCC else 0
    context.flags |= av.codec.context.Flags.copy_opaque
    order: list[int] = []
    kept: list[bool] = []
    for packet in video.packets():
        if packet.size and not packet.is_discard:
            packet.opaque = len(kept)
            kept.append(is_reference(bytes(packet), length))
        if not index.timed:
            # Without times, only the decoder can tell which packet a frame comes from.
            order += [frame.opaque or 0 for frame in video.decode(packet) or ()]
    if index.timed:
        return index.packets, kept
    order += [len(kept) - 1] * (len(index) - len(order))
    return np.array(order[: len(index)]), kept


def is_reference(packet: bytes, length: int) -> bool:
    """Whether the frame of an H.264 packet may be a reference.

    Args:
        packet: Content of the packet.
        length: Bytes of the length field before each unit; 0 if units begin with start codes.

    Example:
        >>> is_reference(b"\x00\x00\x01\x01\x9e", length=0)
        False
    """
    slices = (head for head in _unit_heads(packet, length) if head & 0b11111 in SLICES)
    return next((bool(head >> 5 & 0b11) for head in slices), True)


def _unit_heads(packet: bytes, length: int) -> Iterator[int]:
    place = 0
    while True:
        if length:
            head = place + length
            place = head + int.from_bytes(packet[place:head])
        else:
            found = packet.find(START_CODE, place)
            head = place = found + len(START_CODE) if found >= 0 else len(packet)
        if head >= len(packet):
            return
        yield packet[head]
