"""Keras layers of the paper: PA, temporal shift, VAP and its alternatives, score fusion.

Also the layers of the flow networks that PA is compared with: correlation, warping, channel norm.
"""

from pan_keras.layers.batch_normalization import BatchNormalization
from pan_keras.layers.channel_norm import ChannelNorm
from pan_keras.layers.correlation import Correlation
from pan_keras.layers.correlation_lookup import CorrelationLookup
from pan_keras.layers.correlation_pyramid import CorrelationPyramid
from pan_keras.layers.persistence_of_appearance import PersistenceOfAppearance
from pan_keras.layers.score_fusion import ScoreFusion
from pan_keras.layers.segment_consensus import SegmentConsensus
from pan_keras.layers.temporal_shift import TemporalShift
from pan_keras.layers.timescales import pool_timescales, timescale_members
from pan_keras.layers.various_timescale_aggregation_pooling import (
    VariousTimescaleAggregationPooling,
)
from pan_keras.layers.various_timescale_inference_pooling import VariousTimescaleInferencePooling
from pan_keras.layers.warping import Warping

__all__ = [
    "BatchNormalization",
    "ChannelNorm",
    "Correlation",
    "CorrelationLookup",
    "CorrelationPyramid",
    "PersistenceOfAppearance",
    "ScoreFusion",
    "SegmentConsensus",
    "TemporalShift",
    "VariousTimescaleAggregationPooling",
    "VariousTimescaleInferencePooling",
    "Warping",
    "pool_timescales",
    "timescale_members",
]
