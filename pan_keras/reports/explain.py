"""Looking into a network while it classifies a video."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.inference.classifier import Source, open_classifier
from pan_keras.reports.explanation import Explanation, NetworkExplanation, Timescale
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.runtime.recognition import softmax
from pan_keras.video import frame_source

if TYPE_CHECKING:  # a bundle needs no Keras
    from pan_keras.models import VideoNetwork


def explain(
    model: Source,
    video: Path | str,
    *,
    precision: str | None = None,
    file_format: str | None = None,
) -> Explanation:
    """Looks into a network while it classifies a video.

    The network sees the centre crop of the frames in the middle of each segment, as `predict`
    does unless told otherwise. Of a bundle, whose model files give logits and nothing else, the
    explanation holds the answer and the frames, and no networks.

    Args:
        model: A run folder, a bundle, a Keras model, or what `open_classifier` gives.
        video: A video file.
        precision: Which model file of a bundle; the first unless given.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first unless given.

    Raises:
        UserError: If the run has no model or the video cannot be read.

    Example:
        >>> explanation = explain("runs/demo", "wave.mp4")
        >>> explanation.networks[0].timescales[0]
        Timescale(k=1, index=0, segments=(0, 1, 2, 3, 4, 5, 6, 7), weight=0.31)
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=1)
    video, shape = Path(video), classifier.shape
    clip = clip_from_video(video, shape)
    (logits,) = classifier.logits(clip[None])
    count = len(frame_source(video))
    starts = spread_starts(count, shape.segments, shape.stack)[0]
    return Explanation(
        run=classifier.path,
        path=video,
        labels=classifier.labels,
        probabilities=softmax(logits),
        frames=stack_frames(starts, count, shape.stack),
        pictures=clip[:, 0],
        networks=tuple(_explained(*item, clip[None]) for item in classifier.networks.items()),
    )


def _explained(name: str, network: "VideoNetwork", clips: np.ndarray) -> NetworkExplanation:
    import keras  # noqa: PLC0415

    from pan_keras.reports.evidence import class_evidence  # noqa: PLC0415 (Keras)

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
    from pan_keras.layers import timescale_members  # noqa: PLC0415 (Keras)

    members = timescale_members(segments)
    return tuple(
        Timescale(k, index, pooled, float(weight))
        for (k, index, pooled), weight in zip(members, weights, strict=True)
    )
