"""Clip preprocessing: shape, frame sampling, crops, resizing and augmentation.

Pure functions of arrays. Only `augmentation`, `fields` and `opencv_resizing` import OpenCV.
"""

from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.crops import full_size
from pan_keras.clips.live_window import LiveSegment, LiveWindow

__all__ = ["ClipShape", "LiveSegment", "LiveWindow", "full_size"]
