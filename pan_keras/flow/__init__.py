"""Optical flow, the motion cue that persistence of appearance stands in for."""

from pan_keras.flow.colours import flow_colours, flow_wheel
from pan_keras.flow.optical_flow import METHODS, OpticalFlow

__all__ = ["METHODS", "OpticalFlow", "flow_colours", "flow_wheel"]
