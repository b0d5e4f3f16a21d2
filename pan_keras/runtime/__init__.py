"""Runs bundles on a device, where neither TensorFlow, Keras nor OpenCV is installed."""

from pan_keras.bundle import Bundle
from pan_keras.clips.live_window import LiveSegment, LiveWindow
from pan_keras.runtime.loading import load_model
from pan_keras.runtime.preprocessing import live_window
from pan_keras.runtime.recogniser import Recogniser, Recognition
from pan_keras.runtime.verification import Finding, check, open_verified, verify

__all__ = [
    "Bundle",
    "Finding",
    "LiveSegment",
    "LiveWindow",
    "Recogniser",
    "Recognition",
    "check",
    "live_window",
    "load_model",
    "open_verified",
    "verify",
]
