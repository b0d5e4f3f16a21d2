"""Explains a prediction by the intermediate results of its network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.inference.classifier import Classifier, require_frames
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.remote.addresses import displayed
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.video import frame_source
from pan_keras.video.remote_tree import one_clip

if TYPE_CHECKING:  # bundles are explained without Keras
    from pan_keras.models import VideoNetwork

EVIDENCE = (
    "contribution of a segment to a class's logit through the features that the pooling takes from "
    "it, minus the mean over the classes; by the temporal shift, features depend on neighbours too"
)
BUNDLE = (
    "a bundle returns logits only: for timescale weights, PA and evidence, explain the run that it "
    "was exported from"
)
TOP = 5  # classes in the text


@dataclass(frozen=True)
class Timescale:
    """One timescale feature of VAP or VIP.

    Attributes:
        k: The timescale.
        index: Number of the feature among those of its timescale.
        segments: The segments it pools, counted from 0.
        weight: Its weight w (Eq. 13).
    """

    k: int
    index: int
    segments: tuple[int, ...]
    weight: float


@dataclass(frozen=True)
class NetworkExplanation:
    """Intermediate results of a network for a clip.

    Attributes:
        name: Name of the network or branch.
        timescales: The timescale features; empty if segments are averaged.
        motion: `(N, m - 1, H, W)`, PA of each stack; None without PA.
        evidence: `(N, classes)`, see `pan_keras.reports.explanation`.
    """

    name: str
    timescales: tuple[Timescale, ...]
    motion: np.ndarray | None
    evidence: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """The explanation of a model's prediction for a video.

    Attributes:
        run: The run folder or bundle.
        path: The video.
        labels: Class names in the order of the logits.
        probabilities: `(classes,)`, for the centre crop and one sample in time.
        frames: `(N, m)`, the frame numbers of each segment, from 0.
        pictures: uint8 `(N, H, W, 3)`, the first frame of each segment.
        networks: One per network in the model; empty for a bundle.

    Example:
        >>> explanation = explain("runs/demo", "wave.mp4")
        >>> explanation.frames.shape, explanation.probabilities.shape
        ((4, 2), (8,))
        >>> print(explanation.to_text().partition(":")[0])
        wave.mp4
        >>> explanation.to_json()[:7]
        '{"run":'
    """

    run: Path
    path: Path
    labels: tuple[str, ...]
    probabilities: np.ndarray
    frames: np.ndarray
    pictures: np.ndarray
    networks: tuple[NetworkExplanation, ...]

    @property
    def ranking(self) -> list[int]:
        """Class indices, most probable first."""
        return [int(number) for number in np.argsort(-self.probabilities, kind="stable")]

    def to_json(self) -> str:
        """The explanation as JSON.

        Returns:
            One JSON object; `timescales` holds those of all networks.
        """
        timescales = [
            {"k": each.k, "index": each.index, "segments": each.segments, "weight": each.weight}
            | ({"network": network.name} if len(self.networks) > 1 else {})
            for network in self.networks
            for each in network.timescales
        ]
        return json.dumps(
            {
                "run": str(self.run),
                "path": displayed(self.path),
                "predictions": [
                    {"label": self.labels[number], "probability": float(self.probabilities[number])}
                    for number in self.ranking
                ],
                "segments": [
                    {"index": index, "frames": frames}
                    for index, frames in enumerate(self.frames.tolist())
                ],
                "timescales": timescales,
                "networks": [self._record(network) for network in self.networks],
                "evidence_is": EVIDENCE,
            }
            | ({} if self.networks else {"note": BUNDLE})
        )

    def to_text(self) -> str:
        """The explanation as text; segments are counted from 1, as in the paper.

        Returns:
            Several lines.
        """
        shown = self.ranking[:TOP]
        lines = [
            f"{displayed(self.path)}: "
            + ", ".join(f"{self.labels[each]} {self.probabilities[each]:.1%}" for each in shown)
        ]
        for network in self.networks:
            name = [network.name] if len(self.networks) > 1 else []
            evidence = self._evidence_lines(network, shown)
            lines += ["", *name, *_timescale_lines(network), "", *evidence]
        if not self.networks:
            lines += ["", BUNDLE]
        return "\n".join(lines)

    def _record(self, network: NetworkExplanation) -> dict[str, Any]:
        motion = None
        if network.motion is not None:
            motion = network.motion.mean(axis=(2, 3)).tolist()
        evidence = {
            label: network.evidence[:, number].tolist() for number, label in enumerate(self.labels)
        }
        return {"name": network.name, "mean_motion": motion, "evidence": evidence}

    def _evidence_lines(self, network: NetworkExplanation, shown: list[int]) -> list[str]:
        width = max(len(self.labels[each]) for each in shown)
        count = range(1, len(self.frames) + 1)
        lines = [f"{'evidence':<{width}}" + "".join(f"{number:>7}" for number in count)]
        for each in shown:
            values = "".join(
                f"{round(float(value), 2) + 0.0:7.2f}" for value in network.evidence[:, each]
            )
            lines.append(f"{self.labels[each]:<{width}}{values}")
        return lines


def _timescale_lines(network: NetworkExplanation) -> list[str]:
    if not network.timescales:
        return ["the segments are averaged: no timescales"]
    lines = ["timescale  weight  segments"]
    for each in network.timescales:
        segments = ", ".join(str(segment + 1) for segment in each.segments)
        lines.append(f"{each.k:>9}  {each.weight:6.3f}  {{{segments}}}")
    return lines


def explain(
    model: Source,
    video: Path | str,
    *,
    precision: str | None = None,
    file_format: str | None = None,
) -> Explanation:
    """Explains how a model classifies a video.

    The network gets the centre crop of the middle frames of each segment, as in `predict` by
    default. For a bundle, whose model files give logits only, the explanation has the prediction
    and the frames but no networks.

    Args:
        model: A run folder, a bundle, a Keras model, or a classifier from `open_classifier`.
        video: A video, a folder of frames, or the address of one.
        precision: Precision of a bundle's model file; the first by default.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first by default.

    Returns:
        The prediction, the frames, and the intermediate results of each network.

    Raises:
        UserError: If the run has no model or the video cannot be read.

    Example:
        >>> explanation = explain("runs/demo", "wave.mp4")
        >>> explanation.networks[0].timescales[0].segments
        (0, 1, 2, 3)
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=1)
    require_frames(classifier, "an explanation")
    video, shape = one_clip(video), classifier.shape
    clip = clip_from_video(video, shape)
    (logits,) = classifier.logits(clip[None])
    count = len(frame_source(video))
    starts = spread_starts(count, shape.segments, shape.stack)[0]
    return Explanation(
        run=classifier.path,
        path=video,
        labels=classifier.labels,
        probabilities=classifier.confidence.probabilities(logits),
        frames=stack_frames(starts, count, shape.stack),
        pictures=clip[:, 0],
        networks=_look_inside(classifier, clip),
    )


def _look_inside(classifier: Classifier, clip: np.ndarray) -> tuple[NetworkExplanation, ...]:
    return tuple(explained_network(*item, clip) for item in classifier.networks.items())


def explained_network(name: str, network: "VideoNetwork", clip: np.ndarray) -> NetworkExplanation:
    """Explains how a network classifies a clip.

    Args:
        name: Name of the network.
        network: The network.
        clip: uint8 `(N, m, H, W, 3)`.
    """
    import keras  # noqa: PLC0415 (bundles are explained without it)

    from pan_keras.layers import timescale_members  # noqa: PLC0415

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
    """Splits a clip's video feature into the contributions of the segments.

    The parts sum exactly to the video feature. The maximum over segments in VAP or VIP is
    attributed to the segment that attains it, and shared equally in case of ties. The weights of
    the timescales are treated as constants, although in VAP they depend on the segments.

    Args:
        features: `(N, d)`, the feature of each segment.
        weights: `(T,)`, the weights of the timescales; None if segments are averaged.

    Returns:
        `(N, d)`.

    References:
        PAN paper, Sec. IV-B (Eq. 11, 14).
    """
    if weights is None:
        return features / len(features)
    from pan_keras.layers import timescale_members  # noqa: PLC0415 (Keras)

    parts = np.zeros_like(features)
    for weight, (_, _, members) in zip(weights, timescale_members(len(features)), strict=True):
        pooled = features[list(members)]
        highest = pooled == pooled.max(axis=0)
        parts[list(members)] += weight * pooled * highest / highest.sum(axis=0)
    return parts


def class_evidence(
    features: np.ndarray, weights: np.ndarray | None, kernel: np.ndarray
) -> np.ndarray:
    """Each segment's contribution to each class's logit, above the mean of all classes.

    It is the linear classifier applied to the segment's part of the video feature, minus the mean
    over the classes, which does not affect probabilities. Summed over the segments it gives the
    logits without bias, minus their mean.

    Args:
        features: `(N, d)`.
        weights: `(T,)` or None, as for `segment_parts`.
        kernel: `(d, classes)`, the kernel of the classifier.

    Returns:
        `(N, classes)`, in units of logits.
    """
    scores = segment_parts(features, weights) @ kernel
    return scores - scores.mean(axis=1, keepdims=True)
