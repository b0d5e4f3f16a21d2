"""Video classifiers built from the layers and backbones, and their registry of names."""

from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.registry import create, names
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import VideoNetwork

__all__ = ["PANLite", "PANetwork", "RGBNetwork", "VideoNetwork", "create", "names"]
