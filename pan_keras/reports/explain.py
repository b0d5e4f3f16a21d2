"""Looking into a run's network while it classifies a video."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pan_keras.clips.framing import framing
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.inference.bundled_run import BundledRun, open_run_or_bundle
from pan_keras.reports.explanation import Explanation, NetworkExplanation, Timescale
from pan_keras.runs.run import Run
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.runtime.recognition import softmax
from pan_keras.video import frame_source

if TYPE_CHECKING:  # a bundle needs no Keras
    from pan_keras.models import VideoNetwork


def explain(
    run: Path | str,
    video: Path | str,
    *,
    precision: str | None = None,
    file_format: str | None = None,
) -> Explanation:
    """Looks into the network of a run while it classifies a video.

    The network sees the centre crop of the frames in the middle of each segment, as `predict`
    does unless told otherwise. Of a bundle, whose model files give logits and nothing else, the
    explanation holds the answer and the frames, and no networks.

    Args:
        run: A run folder or a bundle.
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
    opened, video = open_run_or_bundle(run, precision, file_format), Path(video)
    shape = opened.shape
    explained: tuple[NetworkExplanation, ...] = ()
    if isinstance(opened, BundledRun):
        recogniser = opened.inference().recogniser
        clip = clip_from_video(video, shape)
        logits = recogniser.logits(clip)
    else:
        clip = _clip_of(video, opened)
        logits, explained = _look_inside(opened, clip)
    count = len(frame_source(video))
    starts = spread_starts(count, shape.segments, shape.stack)[0]
    return Explanation(
        run=opened.path,
        path=video,
        labels=opened.labels,
        probabilities=softmax(logits),
        frames=stack_frames(starts, count, shape.stack),
        pictures=clip[:, 0],
        networks=explained,
    )


def _clip_of(video: Path, run: Run) -> np.ndarray:
    from pan_keras.data import Clip  # noqa: PLC0415 (with what follows)
    from pan_keras.input import FrameStore, clip_views  # noqa: PLC0415 (TensorFlow)

    store = FrameStore(framing(run.shape))
    return clip_views(Clip(video, label=0, split="test"), run.shape, store)[0]


def _look_inside(run: Run, clip: np.ndarray) -> tuple[np.ndarray, tuple[NetworkExplanation, ...]]:
    import keras  # noqa: PLC0415

    from pan_keras.models.networks import networks  # noqa: PLC0415 (Keras)

    model, clips = run.load_model(), clip[None]
    logits = keras.ops.convert_to_numpy(model(clips, training=False))[0]
    return logits, tuple(_explained(*item, clips) for item in networks(model).items())


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
