"""Optical flow, the motion cue that persistence of appearance replaces."""

from pan_keras.flow.optical_flow import METHODS, OpticalFlow

__all__ = ["METHODS", "OpticalFlow"]
