"""A clip in a shard as a source of frames."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.video.container import BrokenVideo
from pan_keras.video.shard_file import ShardedClip, ShardFile, open_shard
from pan_keras.video.shard_record import ShardRecord
from pan_keras.video.video_info import FileState, VideoInfo

Transform = Callable[[np.ndarray], np.ndarray]


class ShardClip:
    """The frames of a clip in a shard.

    Count, rate and size are in the list beside the shard, so that only frames need the record.

    Args:
        file: The ArrayRecord file.
        name: Path of the clip below the file.
    """

    remark = ""

    def __init__(self, file: Path, name: str):
        self.path = file / name
        self._file = file
        self._name = name

    def __len__(self) -> int:
        return self._clip()[1].frames

    @property
    def rate(self) -> float:
        """Frames per second of the source."""
        return self._clip()[1].rate

    def state(self) -> FileState:
        """Size of the record, and modification time of the shard."""
        shard, clip = self._clip()
        return FileState(clip.bytes, shard.changed)

    def info(self) -> VideoInfo:
        """Count, rate and size, without decoding."""
        _, clip = self._clip()
        return VideoInfo(clip.frames, clip.rate, clip.width, clip.height, 0)

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """Reads frames by number."""
        return self._record().read(indices, transform)

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """Yields all frames in order."""
        yield from self._record().iterate(transform)

    def _record(self) -> ShardRecord:
        shard, clip = self._clip()
        record = ShardRecord(self.path, shard.record(shard.numbers[clip.path]))
        if len(record) != clip.frames or record.size != (clip.width, clip.height):
            raise BrokenVideo(self.path, f"its record in {self._file.name} is another clip's")
        return record

    def _clip(self) -> tuple[ShardFile, ShardedClip]:
        try:
            shard = open_shard(self._file)
        except BrokenVideo:
            raise
        except UserError as error:
            raise BrokenVideo(self.path, "the list of the clips in its shard is damaged") from error
        number = shard.numbers.get(self._name)
        if number is None:
            raise BrokenVideo(self.path, f"there is no such clip in {self._file.name}")
        return shard, shard.clips[number]
