"""Inspects the clips of a data set, using the index on disk to avoid reading them again."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from pan_keras.data.clip_index import ClipIndex, KnownClip, open_clip_index
from pan_keras.video.container import BrokenVideo
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.frame_sources import frame_source
from pan_keras.video.packet_scan import keep_frame_indexes
from pan_keras.video.video_file import VideoFile
from pan_keras.video.video_info import FileState, VideoInfo

Progress = Callable[[str, int, int], None]
# A clip, or the reason why it is broken, and the index of frames of a video file.
ReadClip = tuple[KnownClip | str, FrameIndex | None]
ReadClips = Callable[[Sequence[Path]], Iterable[tuple[Path, ReadClip]]]

ASSUMED_RATE = 25.0  # frames per second of clips that do not store a rate
WHAT = "checking videos"
FINDING = "finding changed files"
# Threads that query the states of files, which is slow on network file systems.
ASKING = 8
CHUNK = 256
# Queued clips per thread; queueing hundreds of thousands at once would fill the memory.
AHEAD = 4


@dataclass
class Inspection:
    """Result of inspecting the clips of a data set.

    Attributes:
        infos: Frame count, frame rate and size of each readable clip.
        sizes: Bytes of each clip.
        broken: Reason for each clip that cannot be read.
        remarks: Remarks for the user about individual clips.
        words: Warnings about the index on disk.
        known: Number of clips found in the index and therefore not read.
        index: The index.
    """

    infos: dict[Path, VideoInfo] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)
    broken: dict[Path, str] = field(default_factory=dict)
    remarks: dict[Path, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    known: int = 0
    index: ClipIndex | None = None


def inspect_clips(
    paths: Sequence[Path],
    root: Path,
    *,
    progress: Progress | None = None,
    read: ReadClips | None = None,
) -> Inspection:
    """Counts each clip's frames and decodes its first, unless the index on disk has the result.

    Results are written to the index every few seconds, so an interrupted call is not lost. Decoding
    in this process then uses the index too (`frame_index`).

    Args:
        paths: The clips.
        root: Folder of the data.
        progress: Called with the task, the number done and the total; by default `ProgressLines`.
        read: Reads clips, in any order; by default in threads of this process.

    Example:
        >>> inspect_clips([Path("videos/wave/a.mp4")], Path("videos")).infos
        {PosixPath('videos/wave/a.mp4'): VideoInfo(frames=81, ...)}
    """
    found = Inspection()
    progress = progress or ProgressLines()
    index = open_clip_index(root, paths)
    states = _states(paths, found, progress)
    found.sizes = {path: state.size for path, state in states.items()}
    known = index.known(states)
    found.known = len(known)
    unknown = [path for path in states if path not in known]
    done = len(paths) - len(unknown)
    if done:
        progress(WHAT, done, len(paths))
    try:
        for path, (clip, frames) in (read or _read_all)(unknown):
            done += 1
            if isinstance(clip, KnownClip):
                known[path] = clip
                index.add(path, states[path], clip, frames)
            else:
                found.broken[path] = clip
            progress(WHAT, done, len(paths))
    finally:
        index.flush()
    for path in paths:
        if path in known:
            found.infos[path] = known[path].info
            if known[path].remark:
                found.remarks[path] = known[path].remark
    found.words, found.index = tuple(index.words), index
    keep_frame_indexes(index)
    return found


def with_rates(
    infos: Mapping[Path, VideoInfo], told: Callable[[Path], float | None]
) -> tuple[dict[Path, VideoInfo], list[Path]]:
    """Sets the frame rate of clips that do not store one, such as folders of frames.

    Args:
        infos: Properties of the clips.
        told: Returns the rate that the data set declares for a clip, or None.

    Returns:
        The clips with their rates, and those for which `ASSUMED_RATE` is used.
    """
    rated, assumed = dict(infos), []
    for path, info in infos.items():
        if not info.rate:
            rate = told(path)
            rated[path] = replace(info, rate=rate or ASSUMED_RATE)
            if not rate:
                assumed.append(path)
    return rated, assumed


class ProgressLines:
    """Prints progress lines of long tasks to standard error; a `Progress`.

    Args:
        every: Seconds before the first line and between lines.
    """

    def __init__(self, every: float = 10.0):
        self.every = every
        self._due = time.monotonic() + every

    def __call__(self, what: str, done: int, total: int) -> None:
        """Prints a line if one is due."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self.every
            print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)  # noqa: T201


def _states(paths: Sequence[Path], found: Inspection, progress: Progress) -> dict[Path, FileState]:
    def of(chunk: Sequence[Path]) -> list[FileState | str]:
        return [_state(path) for path in chunk]

    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    states: dict[Path, FileState] = {}
    done, pool = 0, ThreadPoolExecutor(ASKING)
    try:
        for chunk, told in zip(chunks, pool.map(of, chunks), strict=True):
            for path, state in zip(chunk, told, strict=True):
                if isinstance(state, FileState):
                    states[path] = state
                else:
                    found.broken[path] = state
            done += len(chunk)
            if len(chunks) > 1:
                progress(FINDING, done, len(paths))
    finally:
        pool.shutdown(cancel_futures=True)
    return states


def _state(path: Path) -> FileState | str:
    try:
        return frame_source(path).state()
    except BrokenVideo as error:
        return error.reason


def _read_all(paths: Sequence[Path]) -> Iterator[tuple[Path, ReadClip]]:
    """Reads clips in parallel threads and yields them in order; libav releases the GIL."""
    threads = os.cpu_count() or 1
    left = iter(paths)
    waiting: deque[tuple[Path, Future]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                for path in islice(left, AHEAD * threads - len(waiting)):
                    waiting.append((path, pool.submit(read_clip, path)))
                if not waiting:
                    return
                path, future = waiting.popleft()
                yield path, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def read_clip(path: Path) -> ReadClip:
    """Counts the frames of a clip and decodes its first.

    Args:
        path: The clip.
    """
    source = frame_source(path)
    try:
        clip = KnownClip(source.info(), source.remark)
        return clip, source.index if isinstance(source, VideoFile) else None
    except BrokenVideo as error:
        return error.reason, None
