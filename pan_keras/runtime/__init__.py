"""Runs bundles where nothing else of pan-keras is wanted: no TensorFlow, Keras or OpenCV."""

from pan_keras.clips.live_window import LiveSegment, LiveWindow
from pan_keras.runtime.bundle import Bundle
from pan_keras.runtime.recogniser import Recogniser
from pan_keras.runtime.recognition import Recognition

__all__ = ["Bundle", "LiveSegment", "LiveWindow", "Recogniser", "Recognition"]
