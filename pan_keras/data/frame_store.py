"""Where the pipelines get decoded frames from: the file itself, memory, or a folder."""

import hashlib
import threading
from functools import partial
from pathlib import Path

import numpy as np

from pan_keras.data.container import BrokenVideo
from pan_keras.data.crops import resize_shorter_side
from pan_keras.data.frame_index import frame_index
from pan_keras.data.memory import memory_of_machine
from pan_keras.data.resizing import resize
from pan_keras.data.video import read_frames
from pan_keras.errors import UserError
from pan_keras.files import replacing

CACHES = ("none", "memory", "disk")
# Raise this when the same file would give other pixels than before.
CACHE_VERSION = 1
SHARE_OF_MEMORY = 0.5


class FrameStore:
    """Frames of videos, resized, with the same pixels whatever the cache. Safe between threads.

    A clip takes `frames * h * w * 3` bytes in memory or on disk: 2.2 MB for 80 frames of
    84x112 pixels. In memory, clips are kept until they fill `memory_limit`; those that come
    after are decoded each time.

    Args:
        resize: Shorter side in pixels of the frames given out.
        cache: `"none"` decodes the frames asked for each time, `"memory"` and `"disk"` decode a
            whole clip once.
        folder: Where `"disk"` keeps its files, one `.npy` a clip.
        memory_limit: Bytes that `"memory"` may hold; half of the machine's memory unless given.
        timeout: Seconds that reading one file may take.

    Raises:
        UserError: If `cache` is unknown, or is `"disk"` without a folder.

    Example:
        >>> store = FrameStore(resize=84, cache="memory")
        >>> store.frames(Path("up_1.mp4"), np.array([0, 1, 2])).shape
        (3, 84, 112, 3)
    """

    def __init__(
        self,
        resize: int,
        cache: str = "none",
        folder: Path | str | None = None,
        *,
        memory_limit: int | None = None,
        timeout: float = 30.0,
    ):
        if cache not in CACHES:
            raise UserError(f"cache: {cache!r} is none of {', '.join(CACHES)}")
        if cache == "disk" and folder is None:
            raise UserError('cache: "disk" needs a folder to keep its files; name one')
        self.resize = resize
        self.cache = cache
        self.folder = None if folder is None else Path(folder)
        self.timeout = timeout
        self.memory_limit = memory_limit or int(SHARE_OF_MEMORY * memory_of_machine())
        self.held = 0
        self.broken: dict[Path, str] = {}
        self.failure: UserError | None = None
        self._clips: dict[Path, np.ndarray] = {}
        self._lock = threading.Lock()

    def count(self, path: Path) -> int:
        """Frames in a video.

        Raises:
            BrokenVideo: If it cannot be read; its name is added to `broken`.
        """
        self._refuse_broken(path)
        if path in self._clips:
            return len(self._clips[path])
        try:
            return len(frame_index(path, self.timeout))
        except BrokenVideo as error:
            raise self._named(path, error) from error

    def frames(self, path: Path, indices: np.ndarray) -> np.ndarray:
        """Frames of a video, resized.

        Args:
            path: A video file.
            indices: Frame numbers from 0.

        Returns:
            uint8 `(len(indices), h, w, 3)`, the shorter side being `resize`.

        Raises:
            BrokenVideo: If it cannot be read; its name is added to `broken`.
            UserError: If the disk of a disk cache is full; also kept as `failure`.
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
        if clip is None:
            if self.held >= self.memory_limit:
                return self._decoded(path, indices)
            clip = self._decoded(path, np.arange(self.count(path)))
            with self._lock:
                if path not in self._clips and self.held + clip.nbytes <= self.memory_limit:
                    self._clips[path] = clip
                    self.held += clip.nbytes
        return clip[indices]

    def _from_disk(self, path: Path, indices: np.ndarray) -> np.ndarray:
        file = self._file(path)
        clip = self._load(file)
        if clip is None:
            clip = self._decoded(path, np.arange(self.count(path)))
            with self._lock:
                if not file.exists():
                    with replacing(file) as temporary:
                        np.save(temporary, clip)
        return np.array(clip[indices])

    def _load(self, file: Path) -> np.ndarray | None:
        try:
            return np.load(file, mmap_mode="r")
        except FileNotFoundError:
            return None
        except (ValueError, EOFError):
            # A cache file damaged by others is made again.
            file.unlink(missing_ok=True)
            return None

    def _file(self, path: Path) -> Path:
        status = path.stat()
        parts = (path.resolve(), status.st_size, status.st_mtime_ns, self.resize, CACHE_VERSION)
        assert self.folder is not None
        return self.folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}.npy"

    def _decoded(self, path: Path, indices: np.ndarray) -> np.ndarray:
        shrink = partial(resize_shorter_side, side=self.resize, resize=resize)
        return read_frames(path, indices, timeout=self.timeout, transform=shrink)

    def _refuse_broken(self, path: Path) -> None:
        reason = self.broken.get(path)
        if reason is not None:
            raise BrokenVideo(path, reason)

    def _named(self, path: Path, error: BrokenVideo) -> BrokenVideo:
        self.broken.setdefault(path, error.reason)
        return error
