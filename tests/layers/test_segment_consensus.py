"""The consensus is the mean over segments."""

import keras
import numpy as np
from layer_suite import check_layer

from pan_keras.layers import SegmentConsensus


def test_layer(tmp_path):
    features = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    check_layer(SegmentConsensus, features, (2, 5), tmp_path)


def test_averages_segments():
    features = np.arange(12, dtype="float32").reshape(1, 3, 4)
    consensus = keras.ops.convert_to_numpy(SegmentConsensus()(features))
    np.testing.assert_array_equal(consensus, [[4, 5, 6, 7]])
