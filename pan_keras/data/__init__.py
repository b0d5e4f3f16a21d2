"""From video files to batches: cards, decoding, sampling, augmentation, tf.data pipelines.

TensorFlow is imported with the first pipeline that is asked for, not before.
"""

from typing import TYPE_CHECKING, Any

from pan_keras.data.augmentation import Augmentation
from pan_keras.data.card import Card, card_names, load_card
from pan_keras.data.clip import SPLITS, Clip
from pan_keras.data.clip_shape import ClipShape
from pan_keras.data.container import BrokenVideo
from pan_keras.data.crops import full_size
from pan_keras.data.examples import steps_per_epoch
from pan_keras.data.frame_store import FrameStore
from pan_keras.data.motions import make_motions
from pan_keras.data.opening import open_data
from pan_keras.data.video import VideoInfo, probe, read_frames
from pan_keras.data.video_data import SkippedFile, VideoData

if TYPE_CHECKING:
    from pan_keras.data.pipeline import (
        clip_views,
        evaluation_dataset,
        reporting,
        training_dataset,
    )

_PIPELINES = ("clip_views", "evaluation_dataset", "reporting", "training_dataset")

__all__ = [
    "SPLITS",
    "Augmentation",
    "BrokenVideo",
    "Card",
    "Clip",
    "ClipShape",
    "FrameStore",
    "SkippedFile",
    "VideoData",
    "VideoInfo",
    "card_names",
    "clip_views",
    "evaluation_dataset",
    "full_size",
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
    if name in _PIPELINES:
        from pan_keras.data import pipeline  # noqa: PLC0415

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
