"""The frame index of a video: frames, times and starting points for decoding."""

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Decoding this many more packets is cheaper than a seek, after which the decoder must refill its
# reordering buffer.
PACKETS_PER_SEEK = 8
HEAD = 5  # integers at the start of a stored index
_HEAD = struct.Struct(f"<{HEAD}qd")


@dataclass(frozen=True)
class Run:
    """Frames decoded in one pass.

    Args:
        key: The key frame to start at; 0 is the start of the file.
        targets: Wanted frames, ascending.
    """

    key: int
    targets: tuple[int, ...]


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video in display order.

    The frame count in a container's header is often wrong, so packets are counted, or decoded
    frames if packets are not conclusive.

    Args:
        times: Presentation time of each frame in ticks, ascending `(frames,)`.
        packets: Number of each frame's packet in the file `(frames,)`.
        keys: The frames that are key frames, ascending `(keys,)`.
        seek_times: Time in ticks to seek to in order to decode from each key frame `(keys,)`.
        timed: Whether decoded frames are identified by their times. False for streams without
            presentation times of their own (AVI with reordered frames, raw streams), whose frames
            are counted from the start.
        rate: Mean frames per second over the file.
        marks: Presentation time and size of each packet, which identify it `(packets, 2)`.
        early: Ticks by which a seek may land before the requested key frame.
    """

    times: np.ndarray
    packets: np.ndarray
    keys: np.ndarray
    seek_times: np.ndarray
    timed: bool
    rate: float
    marks: np.ndarray
    early: int = 0

    def __len__(self) -> int:
        return len(self.times)

    def is_packet(self, number: int, time: int | None, size: int) -> bool:
        """Whether a presentation time and size are those of the numbered packet."""
        return number < len(self.marks) and tuple(self.marks[number]) == (time, size)

    def landing(self, key: int, time: int | None, size: int) -> int | None:
        """The key frame at which a seek has landed, possibly an earlier one.

        Args:
            key: The requested key frame.
            time: Presentation time of the first packet after the seek.
            size: Bytes of that packet.

        Returns:
            The frame, or None if no packet matches.
        """
        if self.is_packet(int(self.packets[key]), time, size):
            return key
        keys = self.keys[self.keys < key]
        marks = self.marks[self.packets[keys]]
        found = keys[(marks[:, 0] == time) & (marks[:, 1] == size)]
        return int(found[-1]) if len(found) else None

    def seek_time(self, key: int) -> int:
        """Time in ticks to seek to for decoding from a key frame."""
        return int(self.seek_times[np.searchsorted(self.keys, key)])

    def runs(self, wanted: list[int]) -> list[Run]:
        """Groups wanted frames into runs, with a seek wherever it saves decoding.

        Args:
            wanted: Frames, ascending.
        """
        if not self.timed:
            return [Run(0, tuple(wanted))]
        keys = self._keys_before(wanted)
        landings = np.searchsorted(self.times, self.times[keys] - self.early, side="right") - 1
        starts = self._keys_before(landings) if self.early else keys
        groups: list[tuple[int, list[int]]] = []
        reached = 0
        for frame, key, packet, start in zip(
            wanted,
            keys.tolist(),
            self.packets[wanted].tolist(),
            self.packets[starts].tolist(),
            strict=True,
        ):
            if not groups or start > reached + PACKETS_PER_SEEK:
                groups.append((key if start > PACKETS_PER_SEEK else 0, []))
            groups[-1][1].append(frame)
            reached = max(reached, packet)
        return [Run(key, tuple(targets)) for key, targets in groups]

    def to_bytes(self) -> bytes:
        """Serialises the index into a few bytes per frame, for `from_bytes`."""
        if not self.timed:
            numbers = [0, len(self)]
            arrays = []
        else:
            numbers = [1, len(self), len(self.marks), len(self.keys), self.early]
            arrays = [self.marks[:, 0], self.marks[:, 1], self.packets, self.keys, self.seek_times]
        steps = [np.diff(array, prepend=0) for array in arrays]
        head = np.array([*numbers, *[0] * (HEAD - len(numbers))], "<i8").tobytes()
        # Bytes of equal significance are stored together: most are zero and compress well.
        planes = np.concatenate([*steps, np.zeros(0)]).astype("<i8").view(np.uint8).reshape(-1, 8)
        body = np.ascontiguousarray(planes.T).tobytes()
        return zlib.compress(head + np.float64(self.rate).tobytes() + body)

    @classmethod
    def from_bytes(cls, content: bytes, most: int) -> "FrameIndex":
        """Deserialises the output of `to_bytes`.

        Args:
            content: The bytes, possibly damaged.
            most: Maximum number of frames and packets of the file.

        Raises:
            ValueError: If they are not a valid index within that limit.
        """
        try:
            head, body = _unpacked(content, most)
        except (zlib.error, struct.error) as error:
            raise ValueError(str(error)) from error
        timed, frames, packets, keys, early, rate = head
        if timed not in (0, 1) or not (0 < frames <= most and 0 <= rate < np.inf):
            raise ValueError("its numbers are wrong")
        if not timed:
            return cls.counted(frames, rate)
        lengths = np.cumsum([0, packets, packets, frames, keys, keys])
        if early < 0 or lengths[-1] != len(body):
            raise ValueError("its lengths are wrong")
        shown, sizes, places, starts, sought = (
            np.cumsum(body[low:high]) for low, high in pairwise(lengths.tolist())
        )
        if not (_lie_below(places, packets) and _lie_below(starts, frames) and _rise(starts)):
            raise ValueError("it names packets that are not there")
        times = shown[places]
        if not _rise(times):
            raise ValueError("its times do not increase")
        return cls(
            times=times,
            packets=places.astype(np.int32),
            keys=starts,
            seek_times=sought,
            timed=True,
            rate=rate,
            marks=np.stack([shown, sizes], axis=-1),
            early=early,
        )

    @classmethod
    def counted(cls, frames: int, rate: float = 0.0) -> "FrameIndex":
        """Creates the index of a stream whose frames cannot be identified by time.

        Args:
            frames: Number of frames.
            rate: Frames per second.
        """
        numbers, none = np.arange(frames), np.zeros(0, np.int64)
        return cls(numbers, numbers, none, none, False, rate, none.reshape(0, 2))

    def _keys_before(self, frames: np.ndarray | list[int]) -> np.ndarray:
        """The last key frame at or before each frame, else 0."""
        places = np.searchsorted(self.keys, frames, side="right") - 1
        return np.where(places >= 0, self.keys[places], 0) if len(self.keys) else places * 0


def _unpacked(content: bytes, most: int) -> tuple[tuple, np.ndarray]:
    """The header of a stored index, and the differences within its arrays."""
    stream = zlib.decompressobj()
    head = _HEAD.unpack(stream.decompress(content, _HEAD.size))
    _, frames, packets, keys, _, _ = head
    if not (0 <= frames <= most and 0 <= packets <= most and 0 <= keys <= frames):
        raise ValueError("its numbers are wrong")
    length = 8 * (2 * packets + frames + 2 * keys) if head[0] else 0
    body = stream.decompress(stream.unconsumed_tail, length) if length else b""
    if len(body) != length:
        raise ValueError("it ends too early")
    planes = np.frombuffer(body, np.uint8).reshape(8, -1)
    return head, np.ascontiguousarray(planes.T).view("<i8").ravel().astype(np.int64)


def _lie_below(numbers: np.ndarray, end: int) -> bool:
    return bool(((numbers >= 0) & (numbers < end)).all())


def _rise(numbers: np.ndarray) -> bool:
    return bool((np.diff(numbers) > 0).all())
