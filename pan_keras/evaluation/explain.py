"""Looking into a run's network while it classifies a video."""

from pathlib import Path

import keras
import numpy as np

from pan_keras.data import Clip, FrameStore, clip_views
from pan_keras.data.sampling import spread_starts, stack_frames
from pan_keras.evaluation.views import softmax
from pan_keras.layers import timescale_members
from pan_keras.look.evidence import class_evidence
from pan_keras.look.explanation import Explanation, NetworkExplanation, Timescale
from pan_keras.look.networks import networks
from pan_keras.models import VideoNetwork
from pan_keras.training.run import open_run


def explain(run: Path | str, video: Path | str) -> Explanation:
    """Looks into the network of a run while it classifies a video.

    The network sees the centre crop of the frames in the middle of each segment, as `predict`
    does unless told otherwise.

    Args:
        run: A run folder.
        video: A video file.

    Raises:
        UserError: If the run has no model or the video cannot be read.

    Example:
        >>> explanation = explain("runs/demo", "wave.mp4")
        >>> explanation.networks[0].timescales[0]
        Timescale(k=1, index=0, segments=(0, 1, 2, 3, 4, 5, 6, 7), weight=0.31)
    """
    opened, video = open_run(run), Path(video)
    model, shape = opened.load_model(), opened.shape
    store = FrameStore(resize=shape.resize, cache="none", folder=None)
    clips = clip_views(Clip(video, label=0, split="test"), shape, store)
    count = store.count(video)
    starts = spread_starts(count, shape.segments, shape.stack)[0]
    logits = keras.ops.convert_to_numpy(model(clips, training=False))
    return Explanation(
        run=opened.path,
        path=video,
        labels=opened.labels,
        probabilities=softmax(logits)[0],
        frames=stack_frames(starts, count, shape.stack),
        pictures=clips[0, :, 0],
        networks=tuple(_explained(*item, clips) for item in networks(model).items()),
    )


def _explained(name: str, network: VideoNetwork, clips: np.ndarray) -> NetworkExplanation:
    tensors = {
        key: keras.ops.convert_to_numpy(value)[0].astype("float32")
        for key, value in network.intermediates(clips).items()
    }
    features, weights = tensors["features"], tensors.get("weights")
    kernel = keras.ops.convert_to_numpy(network.get_layer("logits").kernel)
    return NetworkExplanation(
        name=name,
        timescales=() if weights is None else _timescales(weights, len(features)),
        motion=np.moveaxis(tensors["motion"], -1, 1) if "motion" in tensors else None,
        evidence=class_evidence(features, weights, kernel),
    )


def _timescales(weights: np.ndarray, segments: int) -> tuple[Timescale, ...]:
    members = timescale_members(segments)
    return tuple(
        Timescale(k, index, pooled, float(weight))
        for (k, index, pooled), weight in zip(members, weights, strict=True)
    )
