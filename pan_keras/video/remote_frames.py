"""A folder of frames in remote storage as a source of frames."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np

from pan_keras.remote.addresses import address_of
from pan_keras.remote.cache import fetch, is_folder, is_object, listed_folder
from pan_keras.remote.store import MissingObject, ObjectState
from pan_keras.video.container import BrokenVideo
from pan_keras.video.folder_tree import VIDEO_SUFFIXES
from pan_keras.video.frame_folder import FrameFolder, FrameSeries, Transform, frame_series, is_frame
from pan_keras.video.video_info import FileState

FETCHING = 8
LISTABLE = ("s3:", "gs:")  # web servers list no folders


class RemoteFrames(FrameFolder):
    """The frames of a remote folder, which are read into the cache when they are asked for.

    The folder is listed once, or not at all if the data set above it was listed.
    """

    def state(self) -> FileState:
        """Total size of all frames, and the latest change of any of them."""
        states = self._frames().values()
        return FileState(sum(each.size for each in states), max(each.changed for each in states))

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """Reads frames by number, several at once over the network."""
        names = self._series().names
        wanted = sorted({names[0], *(names[index] for index in indices)})
        with ThreadPoolExecutor(min(FETCHING, len(wanted))) as pool:
            list(pool.map(self._fetch, wanted))
        return super().read(indices, transform)

    def _frame(self, name: str) -> av.VideoFrame:
        self._fetch(name)
        return super()._frame(name)

    def _size(self) -> tuple[int, int]:
        self._fetch(self._series().names[0])
        return super()._size()

    def _fetch(self, name: str) -> None:
        try:
            fetch(self.path / name)
        except MissingObject as error:
            raise BrokenVideo(self.path, f"its frame {name} is no longer there") from error

    def _series(self) -> FrameSeries:
        return frame_series(self.path, self._frames())

    def _frames(self) -> dict[str, ObjectState]:
        try:
            listed = listed_folder(self.path)
        except MissingObject as error:
            address = address_of(self.path)
            raise BrokenVideo(self.path, f"there is no folder of frames {address}") from error
        frames = {name: state for name, state in listed.items() if is_frame(name)}
        if not frames:
            raise BrokenVideo(self.path, "this folder holds no frames, such as 00001.jpg")
        return frames


def is_frame_folder(path: Path) -> bool:
    """Whether a path of the cache stands for a remote folder rather than a file.

    Nothing is read: what was not listed is a file if it has the suffix of a video.

    Args:
        path: A path for which `address_of` gives an address.
    """
    if is_folder(path):
        return True
    file = path.suffix.lower() in VIDEO_SUFFIXES or is_object(path)
    return not file and (address_of(path) or "").startswith(LISTABLE)
