"""Which frames a video holds and where, from its packets: next to nothing is decoded."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from pan_keras.video.container import BrokenVideo, opened
from pan_keras.video.hidden_frames import shows

# Decoding this many packets more is cheaper than a seek: it takes the time of a frame at most, and
# the decoder loses the frames that it holds back to put them in order.
PACKETS_PER_SEEK = 8
# Containers that are searched for presentation times; the others are for decoding times.
SOUGHT_BY_SHOWING = ("mov", "matroska", "ogg", "nut")
# Containers that store presentation times.
STORE_TIMES = (*SOUGHT_BY_SHOWING, "mpegts", "mpeg", "flv", "live_flv", "ivf")
# In MPEG program streams times after a seek are guesses, whichever frame it led to.
NOT_SOUGHT = ("mpeg",)
# ASF starts a seek at a packet of many frames, so much before the time that was sought.
SOUGHT_EARLY, SECONDS_EARLY = ("asf",), 3.1
# Packets after which a decoder has given out the first frame, for any codec here.
LONGEST_DELAY = 64
# An MPEG-4 packet of so few bytes may say "nothing new": no frame is shown for it.
BYTES_OF_NOTHING = 10
CUT_ANYWHERE = ("mpegts", "mpeg")
UNKNOWN = -(2**63)


class Packet(NamedTuple):
    """What the index is made from; times in ticks."""

    shown: int | None
    decoded: int | None
    size: int
    key: bool


@dataclass(frozen=True)
class Run:
    """Frames that are decoded in one go.

    Args:
        key: Frame to start at, a key frame; 0 is the start of the file.
        targets: Wanted frames, rising.
    """

    key: int
    targets: tuple[int, ...]


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video in the order in which they are shown.

    The frame count in a container's header is a guess that lies often, so packets are counted;
    where they do not tell, the frames that a decoder gives out are.

    Args:
        times: Presentation time of each frame in ticks, rising `(frames,)`.
        packets: Number of each frame's packet in the file `(frames,)`.
        keys: Frames that are key frames, rising `(keys,)`.
        seek_times: Time in ticks to seek to in order to decode from each key frame `(keys,)`.
        timed: Whether a decoded frame is known by its time. False for streams without
            presentation times of their own (AVI with reordered frames, raw streams): there
            frames are counted from the start.
        rate: Frames per second, the mean over the file.
        marks: Presentation time and bytes of each packet, by which it is known `(packets, 2)`.
        early: Ticks by which a seek may begin before the key frame that was sought.
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

    def position(self, time: int | None) -> int | None:
        """Frame shown at a time in ticks, None where there is none."""
        if time is None:
            return None
        place = int(np.searchsorted(self.times, time))
        return place if place < len(self) and self.times[place] == time else None

    def is_packet(self, number: int, time: int | None, size: int) -> bool:
        """Whether a packet with this presentation time and size is the one with this number."""
        return number < len(self.marks) and tuple(self.marks[number]) == (time, size)

    def landing(self, key: int, time: int | None, size: int) -> int | None:
        """The frame that a seek to a key frame has led to, which may be one before it.

        Args:
            key: Frame that was sought.
            time: Presentation time of the first packet after the seek.
            size: Bytes of that packet.

        Returns:
            The frame, None if the index knows no such packet.
        """
        if self.is_packet(int(self.packets[key]), time, size):
            return key
        keys = self.keys[self.keys < key]
        marks = self.marks[self.packets[keys]]
        found = keys[(marks[:, 0] == time) & (marks[:, 1] == size)]
        return int(found[-1]) if len(found) else None

    def seek_time(self, key: int) -> int:
        """Time in ticks to seek to in order to decode from a key frame."""
        return int(self.seek_times[np.searchsorted(self.keys, key)])

    def runs(self, wanted: list[int]) -> list[Run]:
        """Groups wanted frames so that a seek is made where it saves decoding.

        Args:
            wanted: Frames, rising.
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

    def _keys_before(self, frames: np.ndarray | list[int]) -> np.ndarray:
        """The key frame at or before each frame, 0 where there is none."""
        places = np.searchsorted(self.keys, frames, side="right") - 1
        return np.where(places >= 0, self.keys[places], 0) if len(self.keys) else places * 0


def frame_index(path: Path | str, timeout: float = 30.0) -> FrameIndex:
    """Reads the packets of a file; remembered until the file changes.

    Args:
        path: A video file.
        timeout: Seconds that a step of the reading may take.

    Raises:
        BrokenVideo: If there is no video in it.
    """
    path = Path(path)
    try:
        status = path.stat()
    except OSError as error:
        raise BrokenVideo(path, "there is no such file") from error
    return _scan(path, status.st_size, status.st_mtime_ns, timeout)


@lru_cache(maxsize=8192)
def _scan(path: Path, _size: int, _changed: int, timeout: float) -> FrameIndex:
    with opened(path, timeout) as video:
        codec = video.stream.codec.canonical_name
        format_ = video.container.format.name
        stored: list[Packet] = []
        hidden: set[int] = set()
        for packet in video.packets():
            # Packets cut off by an edit list are decoded for others' sake and never shown.
            if packet.size and not packet.is_discard:
                if not shows(codec, packet):
                    hidden.add(len(stored))
                stored.append(Packet(packet.pts, packet.dts, packet.size, packet.is_keyframe))
        tick = float(video.stream.time_base or 0)
        guessed = float(video.stream.average_rate or 0)
    if len(stored) == len(hidden):
        raise BrokenVideo(path, "it holds no frames")
    if _are_timed([packet for n, packet in enumerate(stored) if n not in hidden], format_):
        index = _timed(
            stored, hidden | _withheld(path, timeout, stored, codec, format_), format_, tick
        )
    else:
        count = _unpacked(path, timeout) if codec == "mpeg4" and not hidden else 0
        index = _counted(count or _count(path, timeout) or len(stored) - len(hidden))
    if not len(index):
        raise BrokenVideo(path, "none of its frames can be decoded")
    return replace(index, rate=index.rate or guessed)


def _are_timed(packets: list[Packet], format_: str) -> bool:
    shown = [packet.shown for packet in packets]
    if None in shown or len(set(shown)) < len(shown):
        return False
    # Where decoding order is showing order, presentation times follow from the place in the file;
    # where it is not and the container stores none, libav's guess is wrong.
    # MXF gives reordered frames of H.264 rising times.
    in_order = shown == [packet.decoded for packet in packets] and format_ != "mxf"
    return _is_any(format_, STORE_TIMES) or in_order or all(packet.key for packet in packets)


def _is_any(format_: str, names: tuple[str, ...]) -> bool:
    return any(name in names for name in format_.split(","))


def _timed(stored: list[Packet], hidden: set[int], format_: str, tick: float) -> FrameIndex:
    by_showing = _is_any(format_, SOUGHT_BY_SHOWING)
    marks = np.array([(UNKNOWN if p.shown is None else p.shown, p.size) for p in stored], np.int64)
    visible = np.array([n for n in range(len(stored)) if n not in hidden], np.int32)
    packets = visible[np.argsort(marks[visible, 0], kind="stable")]
    times = marks[packets, 0]
    sought = not _is_any(format_, NOT_SOUGHT)
    keys = np.flatnonzero(np.array([p.key and sought for p in stored], bool)[packets])
    seconds = float(times[-1] - times[0]) * tick if len(times) else 0.0
    return FrameIndex(
        times=times,
        packets=packets,
        keys=keys,
        seek_times=times[keys] if by_showing else _decoding_times(stored, packets[keys]),
        timed=True,
        rate=(len(times) - 1) / seconds if seconds > 0 else 0.0,
        marks=marks,
        early=round(SECONDS_EARLY / tick) if _is_any(format_, SOUGHT_EARLY) else 0,
    )


def _decoding_times(stored: list[Packet], packets: np.ndarray) -> np.ndarray:
    chosen = [stored[n] for n in packets]
    return np.array([p.shown if p.decoded is None else p.decoded for p in chosen], np.int64)


def _counted(count: int) -> FrameIndex:
    numbers, none = np.arange(count), np.zeros(0, np.int64)
    return FrameIndex(numbers, numbers, none, none, False, 0.0, none.reshape(0, 2))


def _withheld(
    path: Path, timeout: float, stored: list[Packet], codec: str, format_: str
) -> set[int]:
    """Packets for which the decoder gives out no frame, though nothing in them says so."""
    nothing = {n for n, p in enumerate(stored) if codec == "mpeg4" and p.size <= BYTES_OF_NOTHING}
    first = next((n for n, packet in enumerate(stored) if packet.key), 0)
    start = stored[first].shown or 0
    lead = {n for n, p in enumerate(stored) if p.shown is not None and p.shown < start}
    # A file that begins amid a stream refers to frames that it has not. Where files are not cut
    # at any place, packets before the first key frame are damage.
    doubtful = nothing | (lead if first == 0 or _is_any(format_, CUT_ANYWHERE) else set())
    if not doubtful:
        return doubtful
    given: set[int | None] = set()
    with opened(path, timeout) as video:
        for packet in islice(video.packets(), max(doubtful) + LONGEST_DELAY):
            given.update(frame.pts for frame in video.decode(packet) or ())
    return {n for n in doubtful if stored[n].shown not in given}


def _unpacked(path: Path, timeout: float) -> int:
    """Frames of MPEG-4 part 2 by its packets, 0 where they do not tell.

    AVI puts a reordered frame into the packet before it, and a placeholder where it belongs.
    """
    sizes: list[int] = []
    with opened(path, timeout) as video:
        unpack = BitStreamFilterContext("mpeg4_unpack_bframes", video.stream)
        for packet in video.packets():
            if not packet.size:
                continue
            if not sizes and not packet.is_keyframe:
                return 0
            try:
                sizes += [part.size for part in unpack.filter(packet)]
            except av.error.FFmpegError:
                return 0
    return len(sizes) if min(sizes, default=0) > BYTES_OF_NOTHING else 0


def _count(path: Path, timeout: float) -> int:
    """Frames that a decoder gives out, 0 if any packet is damaged."""
    count = 0
    with opened(path, timeout) as video:
        for packet in video.packets():
            frames = video.decode(packet)
            if frames is None:
                return 0
            count += len(frames)
    return count
