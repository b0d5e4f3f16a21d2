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
        path: Names of the models around the layer and its own, with slashes.
        kind: Its class.
        parameters: Its weights without moving statistics; 0 at later calls of the same layer.
        macs: Multiply-accumulates as the paper counts them.
        needed_macs: Those that this library's form of the layer needs at inference.
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
        layers: All calls of layers that cost anything.
        activation_bytes: Bytes of the tensors that are alive together at the worst moment of
            inference, layer after layer, none of them fused.
        uncounted: Layers with weights for which no rule is known; they count as nothing.
    """

    layers: tuple[LayerCost, ...]
    activation_bytes: int
    uncounted: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Weights without moving statistics, as torch counts them."""
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
        """Both counts of multiply-accumulates by class of layer, most expensive first."""
        paper: Counter[str] = Counter()
        needed: Counter[str] = Counter()
        for layer in self.layers:
            paper[layer.kind] += layer.macs
            needed[layer.kind] += layer.needed_macs
        return {kind: (count, needed[kind]) for kind, count in paper.most_common()}


def cost(model: keras.Model) -> Cost:
    """Counts what a model costs for one clip.

    The paper's "FLOPs" are multiply-accumulates. Counted as in the paper, `macs` are

    * convolutions and dense layers, one for each product of a kernel's weight with a value, and one
      for each value to which a bias is added;
    * two for each value that a batch norm gives;
    * PA: the convolutions of all m frames with their biases, and one for each difference of two
      feature maps; under `encoding="attention"` one more for each value in the channel means;
    * the two fully connected layers of VAP;
    * transposed convolutions as if each value that comes out took the whole kernel.

    Correlation, warping, activations, poolings, sums of branches, the temporal shift and the other
    operations count as nothing. `needed_macs` are those that are left at inference: batch norms are
    folded into the convolutions, a bias is where a sum starts, and PA convolves the m - 1
    differences of frames instead of the m frames, which is exact. What the paper leaves out of PA
    is in there: the subtraction of the frames and the squares of the norm. A transposed
    convolution needs its kernel at each value that goes in, a correlation one product a channel and
    displacement, and reading between positions four products a value.

    Args:
        model: A model of this package, or any functional Keras model of known input size.

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
    """Multiply-accumulates of a call as the paper counts and as needed; None without a rule."""
    for kinds, rule in RULES:
        if isinstance(call.layer, kinds):
            return rule(call)
    return None


def count_kernel(call: Call) -> tuple[int, int]:
    """A convolution or dense layer: its kernel at each value that comes out."""
    values = prod(call.outputs[0].shape)
    needed = values * prod(call.layer.kernel.shape[:-1])
    return needed + values * call.layer.use_bias, needed


def count_depthwise(call: Call) -> tuple[int, int]:
    """A convolution of each channel by itself."""
    values = prod(call.outputs[0].shape)
    needed = values * prod(call.layer.kernel.shape[:-2])
    return needed + values * call.layer.use_bias, needed


def count_transposed(call: Call) -> tuple[int, int]:
    """A transposed convolution: its kernel at each value that goes in.

    The paper counts the kernel at each value that comes out, of which a stride leaves most unused.
    """
    values, kernel = prod(call.outputs[0].shape), call.layer.kernel.shape
    paper = values * (prod(kernel[:-2]) * kernel[-1] + call.layer.use_bias)
    return paper, prod(call.inputs[0].shape) * prod(kernel[:-1])


def count_norm(call: Call) -> tuple[int, int]:
    """A batch norm: a product and a sum a value, or nothing where it is folded."""
    return 2 * prod(call.outputs[0].shape), 0


def count_pa(call: Call) -> tuple[int, int]:
    """PA, in the paper's form and in this library's."""
    layer = call.layer
    clips, frames, height, width, channels = call.inputs[0].shape
    frame = clips * height * width
    # Of the maps whose differences are taken: feature maps there, what goes into the last
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
    """VAP's two fully connected layers."""
    clips = call.inputs[0].shape[0]
    needed = clips * (prod(call.layer.w1.shape) + prod(call.layer.w2.shape))
    return needed, needed


def count_correlation(call: Call) -> tuple[int, int]:
    """Products of channels, for each position and displacement; nothing in the paper."""
    return 0, prod(call.outputs[0].shape) * call.inputs[0].shape[-1]


def count_pyramid(call: Call) -> tuple[int, int]:
    """Products of channels, for each pair of positions."""
    needed = prod(call.outputs[0].shape) * call.inputs[0].shape[-1]
    return needed, needed


def count_reading(call: Call) -> tuple[int, int]:
    """Four products for each value that is read between positions; nothing in the paper."""
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
