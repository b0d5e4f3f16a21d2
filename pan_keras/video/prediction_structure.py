"""Which frames the frames of a video were predicted from."""

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

# Coded slices of H.264: of a picture, of its first partition, and of a picture that all that
# follow can do without the earlier for.
SLICES = (1, 2, 5)
AVCC = 1  # the first byte of an H.264 header whose units have lengths instead of start codes
START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True)
class PredictionStructure:
    """How far away the reference frames of each frame are.

    A decoder does not give out which of several references a block was predicted from; that it is
    the nearest in its direction is right for all codecs with one, and nearly always for others.

    Args:
        past: Frames back to the nearest reference, 0 where there is none `(frames,)`.
        future: Frames on to the nearest reference that was decoded before, 0 where there is none:
            of B-frames alone `(frames,)`.
        next_anchor: The first frame from each on that is no B-frame, -1 where there is none
            `(frames,)`.
    """

    past: np.ndarray
    future: np.ndarray
    next_anchor: np.ndarray

    @classmethod
    def from_order(cls, order: np.ndarray, reference: np.ndarray | None) -> "PredictionStructure":
        """Finds the references by the order of decoding.

        Args:
            order: When each frame is decoded, the same number for frames of one packet `(frames,)`.
            reference: Whether other frames may be predicted from it; where nobody knows it, all
                are but B-frames `(frames,)`, bool, or None.

        Example:
            >>> structure = PredictionStructure.from_order(np.array([0, 2, 3, 1]), None)
            >>> structure.past, structure.future
            (array([0, 1, 2, 3]), array([0, 2, 1, 0]))
        """
        past, future = np.zeros(len(order), int), np.zeros(len(order), int)
        known: list[int] = []
        # Of two frames in one packet, the one that is shown later is the other's reference.
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
    """Finds out from the packets of a file; remembered until the file changes.

    Args:
        path: A video file.
        timeout: Seconds that a step of reading may take.

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
    """The packet of each frame, and of each packet whether others are predicted from its frame."""
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
            # Without times, only the decoder knows which packet a frame comes from.
            order += [frame.opaque or 0 for frame in video.decode(packet) or ()]
    if index.timed:
        return index.packets, kept
    order += [len(kept) - 1] * (len(index) - len(order))
    return np.array(order[: len(index)]), kept


def is_reference(packet: bytes, length: int) -> bool:
    """Whether other frames may be predicted from the frame of an H.264 packet.

    Args:
        packet: Its bytes.
        length: Bytes of the length before each unit; 0 where units begin with start codes.

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
