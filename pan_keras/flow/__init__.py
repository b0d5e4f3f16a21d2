"""Optical flow, the motion cue that persistence of appearance replaces.

Each name is imported when it is first asked for: the methods of OpenCV need no Keras, and the
networks no OpenCV.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
