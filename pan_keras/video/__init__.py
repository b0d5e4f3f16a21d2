"""Video files to frames and back, and live sources; PyAV and NumPy alone."""

from pan_keras.video.container import BrokenVideo
from pan_keras.video.frames import VideoInfo, iterate_frames, probe, read_frames

__all__ = ["BrokenVideo", "VideoInfo", "iterate_frames", "probe", "read_frames"]
