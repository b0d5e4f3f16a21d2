"""From video files to batches: cards, decoding, sampling, augmentation, tf.data pipelines.

Each name is imported when it is first asked for: decoding a video needs neither OpenCV nor
TensorFlow, which augmentation and the pipelines bring.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pan_keras.data.augmentation import Augmentation
    from pan_keras.data.card import Card, card_names, card_text, is_card, is_own_card, load_card
    from pan_keras.data.clip import SPLITS, Clip
    from pan_keras.data.clip_shape import ClipShape
    from pan_keras.data.container import BrokenVideo
    from pan_keras.data.crops import full_size
    from pan_keras.data.examples import steps_per_epoch
    from pan_keras.data.frame_store import FrameStore
    from pan_keras.data.left_out import LeftOut
    from pan_keras.data.motions import make_motions
    from pan_keras.data.opening import open_data
    from pan_keras.data.pipeline import (
        clip_views,
        evaluation_dataset,
        reporting,
        training_dataset,
    )
    from pan_keras.data.video import VideoInfo, probe, read_frames
    from pan_keras.data.video_data import SkippedFile, VideoData

_MODULES = {
    "Augmentation": "augmentation",
    "BrokenVideo": "container",
    "Card": "card",
    "Clip": "clip",
    "ClipShape": "clip_shape",
    "FrameStore": "frame_store",
    "LeftOut": "left_out",
    "SPLITS": "clip",
    "SkippedFile": "video_data",
    "VideoData": "video_data",
    "VideoInfo": "video",
    "card_names": "card",
    "card_text": "card",
    "clip_views": "pipeline",
    "evaluation_dataset": "pipeline",
    "full_size": "crops",
    "is_card": "card",
    "is_own_card": "card",
    "load_card": "card",
    "make_motions": "motions",
    "open_data": "opening",
    "probe": "video",
    "read_frames": "video",
    "reporting": "pipeline",
    "steps_per_epoch": "examples",
    "training_dataset": "pipeline",
}

__all__ = [
    "SPLITS",
    "Augmentation",
    "BrokenVideo",
    "Card",
    "Clip",
    "ClipShape",
    "FrameStore",
    "LeftOut",
    "SkippedFile",
    "VideoData",
    "VideoInfo",
    "card_names",
    "card_text",
    "clip_views",
    "evaluation_dataset",
    "full_size",
    "is_card",
    "is_own_card",
    "load_card",
    "make_motions",
    "open_data",
    "probe",
    "read_frames",
    "reporting",
    "steps_per_epoch",
    "training_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
