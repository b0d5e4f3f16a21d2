"""Video files and folders of frames as pixels or motion vectors; needs only PyAV and NumPy."""

from pan_keras.video.container import BrokenVideo
from pan_keras.video.frame_sources import (
    FrameSource,
    add_source,
    clip_bytes,
    frame_source,
    is_there,
    iterate_frames,
    probe,
    read_frames,
)
from pan_keras.video.motion_vectors import motion_vectors
from pan_keras.video.video_info import FileState, VideoInfo

__all__ = [
    "BrokenVideo",
    "FileState",
    "FrameSource",
    "VideoInfo",
    "add_source",
    "clip_bytes",
    "frame_source",
    "is_there",
    "iterate_frames",
    "motion_vectors",
    "probe",
    "read_frames",
]
