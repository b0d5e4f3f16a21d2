"""Builds a frame index from the packets of a video, mostly without decoding."""

from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

from pan_keras.video.container import BrokenVideo, opened
from pan_keras.video.frame_index import FrameIndex

# Containers in which seeking uses presentation times; in others it uses decoding times.
SOUGHT_BY_SHOWING = ("mov", "matroska", "ogg", "nut")
# Containers that store presentation times.
STORE_TIMES = (*SOUGHT_BY_SHOWING, "mpegts", "mpeg", "flv", "live_flv", "ivf")
# In MPEG program streams, times after a seek are guesses.
NOT_SOUGHT = ("mpeg",)
# In ASF a seek lands at a packet of many frames, up to this long before the requested time.
SOUGHT_EARLY, SECONDS_EARLY = ("asf",), 3.1
# Packets after which a decoder of any codec here has returned its first frame.
LONGEST_DELAY = 64
# An MPEG-4 packet of at most so many bytes may mean "no change", without a frame of its own.
BYTES_OF_NOTHING = 10
CUT_ANYWHERE = ("mpegts", "mpeg")
SUPERFRAME = 0b110  # the top three bits of the last byte of a VP9 packet that holds several frames
UNKNOWN = -(2**63)


class Packet(NamedTuple):
    """The properties of a packet used for the index; times in ticks."""

    shown: int | None
    decoded: int | None
    size: int
    key: bool


class FrameIndexes(Protocol):
    """Stored frame indexes of files read before."""

    def find(self, path: Path, size: int, changed: int) -> FrameIndex | None:
        """Returns the index of a file with this size and modification time, or None."""


_kept: list[FrameIndexes] = []


def keep_frame_indexes(source: FrameIndexes, most: int = 8) -> None:
    """Registers stored indexes that `frame_index` looks up before it reads a file.

    Args:
        source: The stored indexes.
        most: Maximum number of sources; the oldest is dropped.
    """
    if source not in _kept:
        _kept.append(source)
        del _kept[:-most]


def frame_index(path: Path | str, timeout: float = 30.0) -> FrameIndex:
    """Builds the frame index of a file; cached until the file changes.

    Args:
        path: A video file.
        timeout: Seconds per step of reading.

    Raises:
        BrokenVideo: If there is no video in it.
    """
    path = Path(path)
    try:
        status = path.stat()
    except OSError as error:
        raise BrokenVideo(path, "there is no such file") from error
    return _known(path, status.st_size, status.st_mtime_ns, timeout)


@lru_cache(maxsize=8192)
def _known(path: Path, size: int, changed: int, timeout: float) -> FrameIndex:
    found = (source.find(path, size, changed) for source in reversed(_kept))
    return next((index for index in found if index is not None), None) or _scan(path, timeout)


def _scan(path: Path, timeout: float) -> FrameIndex:
    with opened(path, timeout) as video:
        codec = video.stream.codec.canonical_name
        format_ = video.container.format.name
        stored: list[Packet] = []
        hidden: set[int] = set()
        for packet in video.packets():
            # Packets outside an edit list are only decoded as references and never shown.
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
        index = FrameIndex.counted(count or _count(path, timeout) or len(stored) - len(hidden))
    if not len(index):
        raise BrokenVideo(path, "none of its frames can be decoded")
    return replace(index, rate=index.rate or guessed)


def _are_timed(packets: list[Packet], format_: str) -> bool:
    shown = [packet.shown for packet in packets]
    if None in shown or len(set(shown)) < len(shown):
        return False
    # If decoding order is display order, presentation times follow from the position in the file;
    # otherwise, in containers that do not store them, libav's guess is wrong.
    # MXF assigns ascending times to reordered H.264 frames.
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


def _withheld(
    path: Path, timeout: float, stored: list[Packet], codec: str, format_: str
) -> set[int]:
    """Packets for which the decoder returns no frame, although they are not marked as hidden."""
    nothing = {n for n, p in enumerate(stored) if codec == "mpeg4" and p.size <= BYTES_OF_NOTHING}
    first = next((n for n, packet in enumerate(stored) if packet.key), 0)
    start = stored[first].shown or 0
    lead = {n for n, p in enumerate(stored) if p.shown is not None and p.shown < start}
    # A file cut from a stream may refer to frames it lacks. In containers that are not cut at
    # arbitrary points, packets before the first key frame are damage.
    doubtful = nothing | (lead if first == 0 or _is_any(format_, CUT_ANYWHERE) else set())
    if not doubtful:
        return doubtful
    given: set[int | None] = set()
    with opened(path, timeout) as video:
        for packet in islice(video.packets(), max(doubtful) + LONGEST_DELAY):
            given.update(frame.pts for frame in video.decode(packet) or ())
    return {n for n in doubtful if stored[n].shown not in given}


def _unpacked(path: Path, timeout: float) -> int:
    """Counts frames of MPEG-4 Part 2 by packets; 0 if these are not conclusive.

    AVI stores a reordered frame in the previous packet, and a placeholder in its position.
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
    """Counts decoded frames; 0 if any packet is damaged."""
    count = 0
    with opened(path, timeout) as video:
        for packet in video.packets():
            frames = video.decode(packet)
            if frames is None:
                return 0
            count += len(frames)
    return count


def shows(codec: str, packet: av.Packet) -> bool:
    """Whether a player shows a frame for a packet.

    Args:
        codec: Name of the codec, as libav calls it.
        packet: A packet with data.

    Example:
        >>> with opened(Path("clip.webm"), timeout=30) as video:
        ...     sum(shows("vp8", packet) for packet in video.packets() if packet.size)
        60
    """
    if codec == "vp8":
        # Frame tag: not a key frame (1 bit), version (3 bits), shown (1 bit).
        return bool(bytes(packet)[0] >> 4 & 1)
    if codec == "vp9":
        data = bytes(packet)
        # The last frame of a superframe is shown.
        return _is_superframe(data) or _vp9_shows(data[0])
    return True


def _is_superframe(data: bytes) -> bool:
    # Its index begins and ends with the same byte: marker (3 bits), bytes per size minus 1 (2),
    # frames minus 1 (3).
    mark = data[-1]
    index = 2 + ((mark >> 3 & 0b11) + 1) * ((mark & 0b111) + 1)
    return mark >> 5 == SUPERFRAME and len(data) >= index and data[-index] == mark


def _vp9_shows(first: int) -> bool:
    # Marker (2 bits), profile (2, and a zero for profile 3), shows an existing frame, not a key
    # frame, shown.
    first <<= 1 if first >> 4 & 0b11 == 0b11 else 0
    return bool(first & 0b1000 or first & 0b10)
