"""Data sets: cards, class folders, CSV files, shards, splits, and synthetic motions."""

from pan_keras.data.card import (
    Card,
    card_names,
    card_text,
    has_card,
    is_card,
    is_own_card,
    load_card,
)
from pan_keras.data.clip import SPLITS, Clip
from pan_keras.data.folds import assign_folds
from pan_keras.data.mirroring import mirror_doubt
from pan_keras.data.motions import ensure_motions, make_motions
from pan_keras.data.opening import open_data
from pan_keras.data.preparation import ClipProblem, Preparation, prepare_dataset
from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.data.shards.sharding import shard_data
from pan_keras.data.video_data import SkippedFile, VideoData

__all__ = [
    "SPLITS",
    "Card",
    "Clip",
    "ClipProblem",
    "Preparation",
    "ShardEncoding",
    "SkippedFile",
    "VideoData",
    "assign_folds",
    "card_names",
    "card_text",
    "ensure_motions",
    "has_card",
    "is_card",
    "is_own_card",
    "load_card",
    "make_motions",
    "mirror_doubt",
    "open_data",
    "prepare_dataset",
    "shard_data",
]
