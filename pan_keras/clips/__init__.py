"""Which frames a clip has and how they are cut: shape, sampling, crops, resizing, augmentation.

Pure functions of arrays. OpenCV, which `augmentation`, `fields` and `opencv_resizing` use, is
imported by these modules alone.
"""

from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.crops import full_size
from pan_keras.clips.live_window import LiveSegment, LiveWindow

__all__ = ["ClipShape", "LiveSegment", "LiveWindow", "full_size"]
