"""From clips to batches: training examples by position, frame stores and tf.data pipelines."""

from pan_keras.input.blurring import blurring
from pan_keras.input.clip_batches import ClipBatches
from pan_keras.input.examples import steps_per_epoch
from pan_keras.input.field_store import FieldStore, clip_store
from pan_keras.input.frame_store import FrameStore
from pan_keras.input.left_out import LeftOut
from pan_keras.input.pipeline import clip_views, evaluation_dataset, reporting, training_dataset

__all__ = [
    "ClipBatches",
    "FieldStore",
    "FrameStore",
    "LeftOut",
    "blurring",
    "clip_store",
    "clip_views",
    "evaluation_dataset",
    "reporting",
    "steps_per_epoch",
    "training_dataset",
]
