"""Video classifiers built from the layers and backbones, and their registry of names."""

from pan_keras.models.cues import AppearanceCue, Cue, DifferenceCue, FieldCue, MotionCue
from pan_keras.models.difference_network import DifferenceNetwork
from pan_keras.models.flow_network import FlowNetwork
from pan_keras.models.fused_network import FusedNetwork
from pan_keras.models.loading import load
from pan_keras.models.networks import fold, networks, weighted_layers
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_ensemble import PANEnsemble
from pan_keras.models.pan_full import PANFull
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.registry import create, cue_of, names, options, presets
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import PA_DEFAULTS, VideoNetwork

__all__ = [
    "PA_DEFAULTS",
    "AppearanceCue",
    "Cue",
    "DifferenceCue",
    "DifferenceNetwork",
    "FieldCue",
    "FlowNetwork",
    "FusedNetwork",
    "MotionCue",
    "PANEnsemble",
    "PANFull",
    "PANLite",
    "PANetwork",
    "RGBNetwork",
    "VideoNetwork",
    "create",
    "cue_of",
    "fold",
    "load",
    "names",
    "networks",
    "options",
    "presets",
    "weighted_layers",
]
