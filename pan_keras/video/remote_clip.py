"""A video file in remote storage as a source of frames."""

from pan_keras.remote.addresses import address_of
from pan_keras.remote.cache import fetch, state_of
from pan_keras.remote.store import MissingObject
from pan_keras.video.container import BrokenVideo
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.video_file import VideoFile
from pan_keras.video.video_info import FileState


class RemoteClip(VideoFile):
    """The frames of a remote video file, which is read whole into the cache before it is decoded.

    Counting frames reads all packets, so ranges of the file would save nothing.
    """

    @property
    def index(self) -> FrameIndex:
        """The frame index of the file, which is fetched first."""
        try:
            fetch(self.path)
        except MissingObject as error:
            raise self._missing() from error
        return super().index

    def state(self) -> FileState:
        """Size and modification time of the object."""
        try:
            return FileState(*state_of(self.path))
        except MissingObject as error:
            raise self._missing() from error

    def _missing(self) -> BrokenVideo:
        return BrokenVideo(self.path, f"there is no object {address_of(self.path)}")
