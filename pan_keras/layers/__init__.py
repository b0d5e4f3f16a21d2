"""Keras layers of the paper: PA, temporal shift, VAP and its peers, score fusion."""

from pan_keras.layers.batch_normalization import BatchNormalization
from pan_keras.layers.persistence_of_appearance import PersistenceOfAppearance
from pan_keras.layers.score_fusion import ScoreFusion
from pan_keras.layers.segment_consensus import SegmentConsensus
from pan_keras.layers.temporal_shift import TemporalShift
from pan_keras.layers.timescales import pool_timescales, timescale_members
from pan_keras.layers.various_timescale_aggregation_pooling import (
    VariousTimescaleAggregationPooling,
)
from pan_keras.layers.various_timescale_inference_pooling import VariousTimescaleInferencePooling

__all__ = [
    "BatchNormalization",
    "PersistenceOfAppearance",
    "ScoreFusion",
    "SegmentConsensus",
    "TemporalShift",
    "VariousTimescaleAggregationPooling",
    "VariousTimescaleInferencePooling",
    "pool_timescales",
    "timescale_members",
]
