"""What happens inside one network: timescale weights, PA, what each segment adds to each class."""

import keras
import numpy as np

from pan_keras.layers import timescale_members
from pan_keras.models import VideoNetwork
from pan_keras.reports.explanation import NetworkExplanation, Timescale


def explained_network(name: str, network: VideoNetwork, clip: np.ndarray) -> NetworkExplanation:
    """Looks into a network while it classifies a clip.

    Args:
        name: What it is called.
        network: The network.
        clip: uint8 `(N, m, H, W, 3)`.
    """
    tensors = {
        key: keras.ops.convert_to_numpy(value)[0].astype("float32")
        for key, value in network.intermediates(clip[None]).items()
    }
    features, weights = tensors["features"], tensors.get("weights")
    kernel = keras.ops.convert_to_numpy(network.get_layer("logits").kernel)
    shares = () if weights is None else weights
    members = timescale_members(len(features)) if len(shares) else ()
    return NetworkExplanation(
        name=name,
        timescales=tuple(
            Timescale(k, index, pooled, float(weight))
            for (k, index, pooled), weight in zip(members, shares, strict=True)
        ),
        motion=np.moveaxis(tensors["motion"], -1, 1) if "motion" in tensors else None,
        evidence=class_evidence(features, weights, kernel),
    )


def segment_parts(features: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Splits a clip's video feature into what came through each segment.

    Exact: the parts add up to the video feature. Where VAP or VIP takes the maximum over
    segments, the value belongs to the segment that has it, and is shared where several have it.
    The weights of the timescales are taken as they are; that they too depend on the segments,
    under VAP, is left out.

    Args:
        features: `(N, d)`, the feature of each segment.
        weights: `(T,)`, the weights of the timescales; None where segments are averaged.

    Returns:
        `(N, d)`.

    References:
        PAN paper, Sec. IV-B (Eq. 11, 14).
    """
    if weights is None:
        return features / len(features)
    parts = np.zeros_like(features)
    for weight, (_, _, members) in zip(weights, timescale_members(len(features)), strict=True):
        pooled = features[list(members)]
        highest = pooled == pooled.max(axis=0)
        parts[list(members)] += weight * pooled * highest / highest.sum(axis=0)
    return parts


def class_evidence(
    features: np.ndarray, weights: np.ndarray | None, kernel: np.ndarray
) -> np.ndarray:
    """What each segment adds to each class's logit, above the mean of all classes.

    The linear classifier applied to the segment's part of the video feature. What a segment adds
    to all classes alike changes no probability and is taken off. Over the segments it adds up to
    the logits less their mean, but for the classifier's bias.

    Args:
        features: `(N, d)`.
        weights: `(T,)` or None, as for `segment_parts`.
        kernel: `(d, classes)`, of the classifier.

    Returns:
        `(N, classes)`, in the unit of logits.
    """
    scores = segment_parts(features, weights) @ kernel
    return scores - scores.mean(axis=1, keepdims=True)
