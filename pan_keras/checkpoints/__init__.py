"""Converts between the authors' checkpoints and Keras models, without PyTorch."""

from pan_keras.checkpoints.applications import is_application
from pan_keras.checkpoints.architecture import branches_of
from pan_keras.checkpoints.backbone_weights import LoadedWeights, load_backbone_weights
from pan_keras.checkpoints.conversion import Branch, Conversion, convert, convert_full
from pan_keras.checkpoints.imagenet import (
    can_start_from_imagenet,
    has_imagenet_weights,
    imagenet_file,
)
from pan_keras.checkpoints.self_check import check_saved
from pan_keras.checkpoints.state_dict import read_state_dict, save_state_dict, state_dict_of

__all__ = [
    "Branch",
    "Conversion",
    "LoadedWeights",
    "branches_of",
    "can_start_from_imagenet",
    "check_saved",
    "convert",
    "convert_full",
    "has_imagenet_weights",
    "imagenet_file",
    "is_application",
    "load_backbone_weights",
    "read_state_dict",
    "save_state_dict",
    "state_dict_of",
]
