"""Video classifiers built from the layers and backbones, and their registry of names."""

from pan_keras.models.cues import AppearanceCue, Cue, MotionCue
from pan_keras.models.fused_network import FusedNetwork
from pan_keras.models.loading import load
from pan_keras.models.networks import fold, networks, weighted_layers
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_ensemble import PANEnsemble
from pan_keras.models.pan_full import PANFull
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.registry import create, names, options, presets
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import PA_DEFAULTS, VideoNetwork

__all__ = [
    "PA_DEFAULTS",
    "AppearanceCue",
    "Cue",
    "FusedNetwork",
    "MotionCue",
    "PANEnsemble",
    "PANFull",
    "PANLite",
    "PANetwork",
    "RGBNetwork",
    "VideoNetwork",
    "create",
    "fold",
    "load",
    "names",
    "networks",
    "options",
    "presets",
    "weighted_layers",
]
