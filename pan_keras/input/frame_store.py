"""Caches of decoded frames: none, memory or disk."""

import hashlib
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from pan_keras.clips.clip_shape import ClipShape, MotionField
from pan_keras.clips.crops import Framing, check_framing
from pan_keras.clips.opencv_resizing import resize
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.video.container import BrokenVideo, SlowVideo
from pan_keras.video.frame_sources import frame_source, read_frames
from pan_keras.video.freed_memory import keep_freed_memory

CACHES = ("none", "memory", "disk")
# Increase when the same file would give different pixels.
CACHE_VERSION = 2
SHARE_OF_MEMORY = 0.5
# A read that timed out is retried with twice the limit, up to this multiple of the first limit.
PATIENCE = 4
ATTEMPTS = 5
_HEADERS = threading.Lock()

CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
UNKNOWN_MEMORY = 4 * 2**30

Read = TypeVar("Read")


class FrameStore:
    """Provides resized frames of videos, with the same pixels for every cache. Thread-safe.

    A clip takes `frames * h * w * 3` bytes in memory or on disk: 2.2 MB for 80 frames of
    84x112 pixels. In memory, clips are cached while they fit into `memory_limit`; for others,
    requested frames are decoded each time. The same applies to clips larger than the limit with a
    disk cache. Processes may share a folder.

    A read that times out is retried at most twice with more time. A file that is broken, or still
    too slow, is not opened again.

    Args:
        resize: Shorter side of the frames in pixels, or another rule for their size.
        cache: `"none"` decodes requested frames each time, `"memory"` and `"disk"` decode each
            clip once.
        folder: Folder of the `"disk"` cache, with one `.npy` file per clip.
        memory_limit: Maximum bytes of the `"memory"` cache, and of a clip being decoded for a
            cache; by default half of the machine's memory.
        timeout: Seconds without progress after which reading a file times out.

    Attributes:
        broken: Files that could not be read, with the reason.
        held: Bytes in memory, including clips being decoded.
        failure: The error that ended a pipeline, such as a full disk.
        field: The motion field that it provides instead of frames; None here.

    Raises:
        UserError: If `cache` is unknown, or is `"disk"` without a folder.

    Example:
        >>> store = FrameStore(resize=84, cache="memory")
        >>> store.count(Path("wave.mp4"))
        24
        >>> store.frames(Path("wave.mp4"), np.array([0, 1, 2])).shape
        (3, 84, 84, 3)
        >>> store.check(ClipShape(segments=8, stack=4, size=(72, 72), resize=84))
    """

    def __init__(
        self,
        resize: int | Framing,
        cache: str = "none",
        folder: Path | str | None = None,
        *,
        memory_limit: int | None = None,
        timeout: float = 30.0,
    ):
        self.field: MotionField | None = None
        if cache not in CACHES:
            raise UserError(f"cache: {cache!r} is not one of {', '.join(CACHES)}")
        if cache == "disk" and folder is None:
            raise UserError('cache: "disk" needs a folder to keep its files; name one')
        keep_freed_memory()
        self.framing = Framing(resize) if isinstance(resize, int) else resize
        self.cache = cache
        self.folder = None if folder is None else Path(folder)
        self.timeout = timeout
        self.memory_limit = memory_limit or int(SHARE_OF_MEMORY * memory_of_machine())
        self.held = 0
        self.broken: dict[Path, str] = {}
        self.failure: UserError | None = None
        self._clips: dict[Path, np.ndarray] = {}
        self._sizes: dict[Path, int] = {}
        self._limits: dict[Path, float] = {}
        self._coming: set[Path] = set()
        self._lock = threading.Lock()

    def check(self, shape: ClipShape, crops: str = "1") -> None:
        """Checks that the store provides the input for a shape.

        Args:
            shape: Shape of a model's clips.
            crops: The views to crop.

        Raises:
            UserError: If the size of frames or the field differs.
        """
        check_framing(self.framing, shape, crops)
        if self.field != shape.field:
            raise UserError(
                f"the clips must be {shape.field or 'frames'}, but the store returns "
                f"{self.field or 'frames'}; open it with clip_store"
            )

    def count(self, path: Path) -> int:
        """Counts the frames of a video.

        Args:
            path: A video file or a folder of frames.

        Returns:
            The number of frames.

        Raises:
            BrokenVideo: If it cannot be read; its name is added to `broken`.
        """
        self._refuse_broken(path)
        if path in self._clips:
            return len(self._clips[path])
        try:
            return self._patiently(path, lambda limit: len(frame_source(path, limit)))
        except BrokenVideo as error:
            raise self._named(path, error) from error
        except UserError as error:
            self.failure = error
            raise

    def frames(self, path: Path, indices: np.ndarray) -> np.ndarray:
        """Returns resized frames of a video.

        Args:
            path: A video file.
            indices: `(frames,)` numbers from 0.

        Returns:
            uint8 `(len(indices), h, w, 3)`.

        Raises:
            BrokenVideo: If it cannot be read; its name is added to `broken`.
            UserError: If the disk is full; also stored as `failure`.
        """
        self._refuse_broken(path)
        try:
            if self.cache == "memory":
                return self._from_memory(path, indices)
            if self.cache == "disk":
                return self._from_disk(path, indices)
            return self._decoded(path, indices)
        except BrokenVideo as error:
            raise self._named(path, error) from error
        except FileNotFoundError as error:
            raise self._named(path, BrokenVideo(path, "there is no such file")) from error
        except UserError as error:
            self.failure = error
            raise

    def _from_memory(self, path: Path, indices: np.ndarray) -> np.ndarray:
        clip = self._clips.get(path)
        if clip is None and self._reserve(path):
            try:
                clip = self._whole(path)
                self._clips[path] = clip
            finally:
                with self._lock:
                    self._coming.discard(path)
                    self.held += (0 if clip is None else clip.nbytes) - self._sizes[path]
        return self._decoded(path, indices) if clip is None else clip[indices]

    def _reserve(self, path: Path) -> bool:
        """Reserves memory for a clip; False if it does not fit or is already being decoded."""
        size = self._size(path)
        with self._lock:
            if path in self._coming or path in self._clips or self.held + size > self.memory_limit:
                return False
            self._coming.add(path)
            self.held += size
            return True

    def _from_disk(self, path: Path, indices: np.ndarray) -> np.ndarray:
        file = self._file(path)
        clip = self._load(file)
        if clip is None:
            if self._size(path) > self.memory_limit:
                return self._decoded(path, indices)
            clip = self._whole(path)
            with self._lock:
                if not file.exists():
                    with replacing(file) as temporary:
                        _write(temporary, clip)
        return np.array(clip[indices])

    def _size(self, path: Path) -> int:
        """Bytes of a whole clip, from the size of its first frame and the number of frames."""
        if path not in self._sizes:
            self._sizes[path] = self._decoded(path, np.array([0])).nbytes * self.count(path)
        return self._sizes[path]

    def _whole(self, path: Path) -> np.ndarray:
        return self._decoded(path, np.arange(self.count(path)))

    def _load(self, file: Path) -> np.ndarray | None:
        # NumPy parses a header with `ast`, whose recursion counter is shared by all threads in
        # CPython before 3.13: parsing concurrently may raise SystemError.
        for attempt in range(ATTEMPTS):
            try:
                with _HEADERS:
                    return np.load(file, mmap_mode="r")
            except SystemError:  # another thread was parsing
                if attempt == ATTEMPTS - 1:
                    raise
            except FileNotFoundError:
                return None
            except (ValueError, EOFError):
                # A damaged cache file is written again.
                file.unlink(missing_ok=True)
                return None
        return None

    def _file(self, path: Path) -> Path:
        assert self.folder is not None
        digest = hashlib.sha256(repr(self._identity(path)).encode()).hexdigest()
        return self.folder / f"{digest[:24]}.npy"

    def _identity(self, path: Path) -> tuple[object, ...]:
        """Everything that determines the pixels."""
        return (path.resolve(), *frame_source(path).state(), self.framing, CACHE_VERSION)

    def _decoded(self, path: Path, indices: np.ndarray) -> np.ndarray:
        framed = partial(self.framing, resize=resize)
        return self._patiently(
            path, lambda limit: read_frames(path, indices, timeout=limit, transform=framed)
        )

    def _patiently(self, path: Path, read: Callable[[float], Read]) -> Read:
        """Reads with the time limit that last sufficed for the file, then with more time."""
        limit = self._limits.get(path, self.timeout)
        while True:
            try:
                found = read(limit)
            except SlowVideo:
                limit *= 2
                if limit > PATIENCE * self.timeout:
                    raise
            else:
                self._limits[path] = limit
                return found

    def _refuse_broken(self, path: Path) -> None:
        reason = self.broken.get(path)
        if reason is not None:
            raise BrokenVideo(path, reason)

    def _named(self, path: Path, error: BrokenVideo) -> BrokenVideo:
        self.broken.setdefault(path, error.reason)
        return error


def _write(file: Path, clip: np.ndarray) -> None:
    """Writes an array as `numpy.save` does, whose errors do not tell that the disk is full."""
    with file.open("wb") as stream:
        header = np.lib.format.header_data_from_array_1_0(clip)
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(np.ascontiguousarray(clip).data)


def memory_of_machine() -> int:
    """Memory of the machine in bytes, or of the container if less.

    4 GiB if neither can be determined.
    """
    limits = [_physical(), *(_limit(file) for file in CONTAINER_LIMITS)]
    return min((limit for limit in limits if limit), default=UNKNOWN_MEMORY)


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _limit(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
