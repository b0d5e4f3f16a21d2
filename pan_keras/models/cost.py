"""Cost of a model per clip: multiply-accumulates, parameters, activation memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import keras

from pan_keras.layers import (
    Correlation,
    CorrelationLookup,
    CorrelationPyramid,
    PersistenceOfAppearance,
    VariousTimescaleAggregationPooling,
    Warping,
)
from pan_keras.models.calls import Call, calls_of, peak_bytes


@dataclass(frozen=True)
class LayerCost:
    """The cost of one call of a layer.

    Attributes:
        path: Names of the enclosing models and of the layer, separated by slashes.
        kind: Class of the layer.
        parameters: Number of weights without moving statistics; 0 at later calls of the same layer.
        macs: Multiply-accumulates as the paper counts them.
        needed_macs: Multiply-accumulates that this library's implementation needs at inference.
    """

    path: str
    kind: str
    parameters: int
    macs: int
    needed_macs: int


@dataclass(frozen=True)
class Cost:
    """The cost of a model for one clip.

    Attributes:
        layers: All calls of layers with a cost.
        activation_bytes: Peak memory of live tensors in bytes, without fusion of layers.
        uncounted: Layers with weights that have no counting rule; they count as zero.
    """

    layers: tuple[LayerCost, ...]
    activation_bytes: int
    uncounted: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of weights without moving statistics, as torch counts them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates as the paper counts them."""
        return sum(layer.macs for layer in self.layers)

    @property
    def needed_macs(self) -> int:
        """Multiply-accumulates that inference needs."""
        return sum(layer.needed_macs for layer in self.layers)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """`(macs, needed_macs)` by class of layer, most expensive first."""
        paper: Counter[str] = Counter()
        needed: Counter[str] = Counter()
        for layer in self.layers:
            paper[layer.kind] += layer.macs
            needed[layer.kind] += layer.needed_macs
        return {kind: (count, needed[kind]) for kind, count in paper.most_common()}


def cost(model: keras.Model) -> Cost:
    """Counts the cost of a model per clip.

    The paper's "FLOPs" are multiply-accumulates. As in the paper, `macs` counts

    * convolutions and dense layers: one per product of a weight and a value, and one per output
      value with a bias;
    * batch norms: two per output value;
    * PA: the convolutions of all m frames with their biases, and one per difference of two feature
      values; with `encoding="attention"` one more per value of the channel means;
    * the two fully connected layers of VAP;
    * transposed convolutions as if each output value took the whole kernel.

    Correlation, warping, activations, pooling, sums of branches, the temporal shift and other
    operations count as zero. `needed_macs` counts inference: batch norms are folded into the
    convolutions, biases are the initial values of sums, and PA convolves the m - 1 differences of
    frames instead of the m frames, which is exact. It includes parts of PA that the paper leaves
    out: the subtraction of frames and the squares of the norm. A transposed convolution takes its
    kernel once per input value, a correlation one product per channel and displacement, and
    bilinear reading four products per value.

    Args:
        model: A model of this package, or any functional Keras model with known input size.

    Raises:
        ValueError: If the model is not functional, or a side of its input is unknown.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_lite_resnet50", classes=174)
        >>> round(cost(model).macs / 1e9, 2)
        35.73

    References:
        PAN paper, Table I (PA), Table II (flow networks, see `pan_keras.bench.paper_costs`) and
        Table V.
    """
    calls = calls_of(model)
    layers, uncounted, seen = [], [], set()
    for call in calls:
        weights = [] if id(call.layer) in seen else getattr(call.layer, "weights", [])
        seen.add(id(call.layer))
        counts = count(call)
        if counts is None and weights:
            uncounted.append(call.path)
        parameters = sum(
            prod(weight.shape) for weight in weights if not weight.name.startswith("moving_")
        )
        paper, needed = counts or (0, 0)
        if parameters or paper or needed:
            kind = type(call.layer).__name__
            layers.append(LayerCost(call.path, kind, parameters, paper, needed))
    return Cost(tuple(layers), peak_bytes(calls), tuple(uncounted))


def count(call: Call) -> tuple[int, int] | None:
    """`(macs, needed_macs)` of a call; None without a rule."""
    for kinds, rule in RULES:
        if isinstance(call.layer, kinds):
            return rule(call)
    return None


def count_kernel(call: Call) -> tuple[int, int]:
    """Counts a convolution or dense layer: its kernel at each output value."""
    values = prod(call.outputs[0].shape)
    needed = values * prod(call.layer.kernel.shape[:-1])
    return needed + values * call.layer.use_bias, needed


def count_depthwise(call: Call) -> tuple[int, int]:
    """Counts a depthwise convolution."""
    values = prod(call.outputs[0].shape)
    needed = values * prod(call.layer.kernel.shape[:-2])
    return needed + values * call.layer.use_bias, needed


def count_transposed(call: Call) -> tuple[int, int]:
    """Counts a transposed convolution: its kernel at each input value.

    The paper counts the kernel at each output value, most of which a stride leaves unused.
    """
    values, kernel = prod(call.outputs[0].shape), call.layer.kernel.shape
    paper = values * (prod(kernel[:-2]) * kernel[-1] + call.layer.use_bias)
    return paper, prod(call.inputs[0].shape) * prod(kernel[:-1])


def count_norm(call: Call) -> tuple[int, int]:
    """Counts a batch norm: a product and a sum per value, or nothing once folded."""
    return 2 * prod(call.outputs[0].shape), 0


def count_pa(call: Call) -> tuple[int, int]:
    """Counts PA in the paper's form and in this library's."""
    layer = call.layer
    clips, frames, height, width, channels = call.inputs[0].shape
    frame = clips * height * width
    # Values whose differences are taken: feature maps in the paper, the input of the last
    # convolution here.
    kernels = [prod(kernel.shape) for kernel, _ in layer.convolutions]
    features = layer.channels if kernels else channels
    before = layer.channels if len(kernels) > 1 else channels
    paper = frame * frames * sum(kernel + layer.channels for kernel in kernels)
    paper += frame * (frames - 1) * features
    needed = frame * frames * sum(kernels[:-1])
    needed += frame * (frames - 1) * (before + sum(kernels[-1:]) + features)
    if layer.encoding == "attention":
        paper += frame * (frames - 1) * features
        needed += frame * (frames - 1) * (sum(kernels[-1:]) + features)
    return paper, needed


def count_vap(call: Call) -> tuple[int, int]:
    """Counts VAP's two fully connected layers."""
    clips = call.inputs[0].shape[0]
    needed = clips * (prod(call.layer.w1.shape) + prod(call.layer.w2.shape))
    return needed, needed


def count_correlation(call: Call) -> tuple[int, int]:
    """Counts products of channels per position and displacement; zero in the paper."""
    return 0, prod(call.outputs[0].shape) * call.inputs[0].shape[-1]


def count_pyramid(call: Call) -> tuple[int, int]:
    """Counts products of channels per pair of positions."""
    needed = prod(call.outputs[0].shape) * call.inputs[0].shape[-1]
    return needed, needed


def count_reading(call: Call) -> tuple[int, int]:
    """Counts four products per bilinearly read value; zero in the paper."""
    return 0, 4 * prod(call.outputs[0].shape)


RULES: tuple[tuple[tuple[type, ...], Callable[[Call], tuple[int, int]]], ...] = (
    ((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), count_depthwise),
    (
        (
            keras.layers.Conv1DTranspose,
            keras.layers.Conv2DTranspose,
            keras.layers.Conv3DTranspose,
        ),
        count_transposed,
    ),
    (
        (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense),
        count_kernel,
    ),
    ((keras.layers.BatchNormalization,), count_norm),
    ((PersistenceOfAppearance,), count_pa),
    ((VariousTimescaleAggregationPooling,), count_vap),
    ((Correlation,), count_correlation),
    ((CorrelationPyramid,), count_pyramid),
    ((Warping, CorrelationLookup), count_reading),
)
