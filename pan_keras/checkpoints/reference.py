"""An independent NumPy implementation of the authors' networks, used as an oracle.

It uses torch's axes, names and order, and shares no code with the layers of `pan_keras`, so it
cannot repeat their mistakes. It computes in the precision of its input.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pan_keras.checkpoints.weights import BACKBONE, SHIFTED

BATCH_NORM_EPSILON = 1e-5
DISTANCE_EPSILON = 1e-6  # of torch's PairwiseDistance
SHIFTED_SHARE = 8  # one eighth of the channels is shifted in each direction
# Blocks of torchvision's MobileNetV2 with stride 2.
HALVING = (2, 4, 7, 14)
BLOCKS = 17


@dataclass(frozen=True)
class Reference:
    """One of the authors' networks in evaluation mode.

    Args:
        state: The checkpoint's arrays, as returned by `read_state_dict`.
        segments: Segments per clip, N.

    Example:
        >>> Reference(read_state_dict("PAN_Lite_resnet50.pth.tar"), 8).logits(maps).shape
        (1, 174)

    References:
        PAN paper, Sec. III-A, III-B (PA) and IV-B (VAP); torchvision's ResNet and MobileNetV2.
    """

    state: Mapping[str, np.ndarray]
    segments: int

    def persistence(self, frames: np.ndarray, attention: bool = False) -> np.ndarray:
        """Computes PA of normalised frames: `(B * N, m, 3, H, W)` to `(B * N, m - 1, H, W)`.

        Args:
            frames: Normalised frames.
            attention: Use encoding e2: the mean feature of the earlier frame, weighted by PA.
        """
        stacks, count, channels, height, width = frames.shape
        maps = frames.reshape(-1, channels, height, width)
        for number, name in enumerate(self._motion_layers()):
            maps = _rectified(maps) if number else maps
            maps = self._convolve(maps, name)
            maps += self.state[f"{name}.bias"].astype(maps.dtype)[:, None, None]
        maps = maps.reshape(stacks, count, -1, height, width)
        differences = maps[:, :-1] - maps[:, 1:] + DISTANCE_EPSILON
        distances = np.sqrt(np.square(differences).sum(axis=2))
        if not attention:
            return distances
        return maps[:, :-1].mean(axis=2) / (1 + np.exp(-distances))

    def _motion_layers(self) -> list[str]:
        """Returns the names of PA's convolutions: one, or those of a numbered `Sequential`."""
        ending = ".weight"
        names = [key.removesuffix(ending) for key in self.state if key.endswith(ending)]
        return [name for name in names if name.startswith("PA.shallow_conv")]

    def logits(self, maps: np.ndarray) -> np.ndarray:
        """Computes logits `(B, classes)` from the backbone's input, `(B * N, C, H, W)`."""
        mobile = f"{BACKBONE}features.0.0.weight" in self.state
        features = self._mobilenet_v2(maps) if mobile else self._resnet(maps)
        clips = features.reshape(-1, self.segments, features.shape[-1])
        if "new_fc.weight" in self.state:
            return self._connect(clips.mean(axis=1), "new_fc")
        last = BACKBONE + ("classifier" if mobile else "fc")
        return self._connect(self._aggregate(clips, f"{last}.TES"), f"{last}.pred")

    def _resnet(self, x: np.ndarray) -> np.ndarray:
        x = _rectified(self._normalise(self._convolve(x, f"{BACKBONE}conv1", 2), f"{BACKBONE}bn1"))
        edges = ((0, 0), (0, 0), (1, 1), (1, 1))
        x = _windows(np.pad(x, edges, constant_values=-np.inf), 3, 2).max(axis=(4, 5))
        stage = 1
        while self._has(f"layer{stage}.0.bn1"):
            block = 0
            while self._has(f"layer{stage}.{block}.bn1"):
                name = f"{BACKBONE}layer{stage}.{block}"
                x = self._residual(x, name, 2 if stage > 1 and block == 0 else 1)
                block += 1
            stage += 1
        return x.mean(axis=(2, 3))

    def _residual(self, x: np.ndarray, name: str, stride: int) -> np.ndarray:
        deep = f"{name}.conv3.weight" in self.state
        strides = (1, stride, 1) if deep else (stride, 1)
        y = x
        for number, each in enumerate(strides, start=1):
            y = self._convolve(y, f"{name}.conv{number}", each)
            y = self._normalise(y, f"{name}.bn{number}")
            y = _rectified(y) if number < len(strides) else y
        if f"{name}.downsample.0.weight" in self.state:
            x = self._convolve(x, f"{name}.downsample.0", stride)
            x = self._normalise(x, f"{name}.downsample.1")
        return _rectified(x + y)

    def _mobilenet_v2(self, x: np.ndarray) -> np.ndarray:
        x = self._capped(x, f"{BACKBONE}features.0", 2)
        for block in range(1, BLOCKS + 1):
            x = self._inverted_residual(x, f"{BACKBONE}features.{block}.conv", block)
        return self._capped(x, f"{BACKBONE}features.{BLOCKS + 1}").mean(axis=(2, 3))

    def _inverted_residual(self, x: np.ndarray, name: str, block: int) -> np.ndarray:
        stride = 2 if block in HALVING else 1
        y = x if block == 1 else self._capped(x, f"{name}.0")
        narrow = 1 if block == 1 else 2
        y = self._capped(y, f"{name}.{narrow - 1}", stride)
        y = self._normalise(self._convolve(y, f"{name}.{narrow}"), f"{name}.{narrow + 1}")
        return x + y if x.shape == y.shape else y

    def _capped(self, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        """Applies convolution, batch normalisation and ReLU6."""
        x = self._normalise(self._convolve(x, f"{name}.0", stride), f"{name}.1")
        return np.minimum(_rectified(x), 6)

    def _convolve(self, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        shifted = f"{name}{SHIFTED}.weight" in self.state
        kernel = self.state[f"{name}{SHIFTED if shifted else ''}.weight"].astype(x.dtype)
        x = self._shift(x) if shifted else x
        _, per_group, size, _ = kernel.shape
        edges = (size // 2, size // 2)
        windows = _windows(np.pad(x, ((0, 0), (0, 0), edges, edges)), size, stride)
        if per_group < x.shape[1]:
            return np.einsum("nchwij,cij->nchw", windows, kernel[:, 0])
        return np.moveaxis(np.tensordot(windows, kernel, ((1, 4, 5), (1, 2, 3))), -1, 1)

    def _shift(self, x: np.ndarray) -> np.ndarray:
        clips = x.reshape(-1, self.segments, *x.shape[1:])
        part = x.shape[1] // SHIFTED_SHARE
        moved = clips.copy()
        moved[:, :, : 2 * part] = 0
        moved[:, :-1, :part] = clips[:, 1:, :part]
        moved[:, 1:, part : 2 * part] = clips[:, :-1, part : 2 * part]
        return moved.reshape(x.shape)

    def _normalise(self, x: np.ndarray, name: str) -> np.ndarray:
        weight, bias, mean, variance = (
            self.state[f"{name}.{part}"].astype(x.dtype)[:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + BATCH_NORM_EPSILON) * weight + bias

    def _aggregate(self, clips: np.ndarray, name: str) -> np.ndarray:
        """Applies VAP."""
        timescales = np.stack(
            [
                clips[:, first::scale].max(axis=1)
                for scale in (2**level for level in range(self.segments.bit_length() - 1))
                for first in range(scale)
            ],
            axis=1,
        )
        hidden = _rectified(timescales.mean(axis=2) @ self.state[f"{name}.0.weight"].T)
        scores = hidden @ self.state[f"{name}.2.weight"].T
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        return (weights[:, :, None] * timescales).sum(axis=1)

    def _connect(self, features: np.ndarray, name: str) -> np.ndarray:
        return features @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def _has(self, name: str) -> bool:
        return f"{BACKBONE}{name}.weight" in self.state


def _windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Returns sliding windows of maps, `(N, C, H, W, size, size)`."""
    return sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]


def _rectified(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)
