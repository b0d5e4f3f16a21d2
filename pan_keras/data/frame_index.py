"""Which frames a video holds and where, from its packets alone: nothing is decoded."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from pan_keras.data.container import BrokenVideo, opened

# Decoding this many packets more is cheaper than a seek, which starts with a whole key frame.
PACKETS_PER_SEEK = 8


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

    The frame count in a container's header is a guess that lies often, so packets are counted.

    Args:
        times: Presentation time of each frame in ticks, rising `(frames,)`.
        seek_times: Time in ticks to seek to in order to decode each frame, if it is a key frame.
        packets: Place of each frame's packet in the file `(frames,)`.
        keys: Frames that are key frames, rising.
        timed: Whether a decoded frame is known by its time. False for streams without
            presentation times of their own (AVI with reordered frames, raw streams): there
            frames are counted from the start.
        rate: Frames per second, the mean over the file.
    """

    times: np.ndarray
    seek_times: np.ndarray
    packets: np.ndarray
    keys: np.ndarray
    timed: bool
    rate: float

    def __len__(self) -> int:
        return len(self.times)

    def position(self, time: int | None) -> int | None:
        """Frame shown at a time in ticks, None where there is none."""
        if time is None:
            return None
        place = int(np.searchsorted(self.times, time))
        return place if place < len(self) and self.times[place] == time else None

    def runs(self, wanted: list[int]) -> list[Run]:
        """Groups wanted frames so that a seek is made where it saves decoding.

        Args:
            wanted: Frames, rising.
        """
        if not self.timed:
            return [Run(0, tuple(wanted))]
        runs: list[Run] = []
        reached = 0
        for frame in wanted:
            key = self._key_before(frame)
            if not runs or self.packets[key] > reached + PACKETS_PER_SEEK:
                runs.append(Run(key if self.packets[key] > PACKETS_PER_SEEK else 0, ()))
            runs[-1] = Run(runs[-1].key, (*runs[-1].targets, frame))
            reached = max(reached, int(self.packets[frame]))
        return runs

    def _key_before(self, frame: int) -> int:
        place = int(np.searchsorted(self.keys, frame, side="right")) - 1
        return int(self.keys[place]) if place >= 0 else 0


def frame_index(path: Path | str, timeout: float = 30.0) -> FrameIndex:
    """Reads the packets of a file; remembered until the file changes.

    Args:
        path: A video file.
        timeout: Seconds the reading may take.

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
    packets = []
    with opened(path, timeout) as (container, stream, clock):
        for packet in container.demux(stream):
            clock.check()
            # The last packet is an empty one that flushes; packets cut off by an edit list
            # are decoded for others' sake and never shown.
            if packet.size and not packet.is_discard:
                packets.append((packet.pts, packet.dts, packet.is_keyframe))
        tick = float(stream.time_base or 0)
        guessed = float(stream.average_rate or 0)
        avi = "avi" in container.format.name
    if not packets:
        raise BrokenVideo(path, "it holds no frames")
    return _index(packets, tick, guessed, avi)


def _index(packets: list, tick: float, guessed: float, avi: bool) -> FrameIndex:
    shown, decoded, key = zip(*packets, strict=True)
    timed = None not in shown and len(set(shown)) == len(shown)
    # AVI stores no presentation times. Where decoding order is showing order they follow from
    # the place in the file; where it is not, libav's guess is wrong.
    if avi and shown != decoded:
        timed = False
    if not timed:
        shown = decoded = tuple(range(len(packets)))
    times = np.array(shown, np.int64)
    order = np.argsort(times, kind="stable")
    seconds = float(times.max() - times.min()) * tick if timed else 0.0
    seek_times = [p if d is None else min(p, d) for p, d in zip(shown, decoded, strict=True)]
    return FrameIndex(
        times=times[order],
        seek_times=np.array(seek_times, np.int64)[order],
        packets=order,
        keys=np.flatnonzero(np.array(key)[order]),
        timed=timed,
        rate=(len(times) - 1) / seconds if seconds > 0 else guessed,
    )
