"""Maps each weight of a network to its key and layout in the authors' checkpoints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from pan_keras.backbones import Backbone
from pan_keras.errors import CheckpointError
from pan_keras.layers import PersistenceOfAppearance, TemporalShift
from pan_keras.models import VideoNetwork

BACKBONE = "base_model."
MOTION = "PA.shallow_conv"
SHIFTED = ".net"
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Layout:
    """Axis permutations of a weight between PyTorch and Keras.

    Args:
        to_keras: PyTorch axes in Keras order.
        to_torch: Keras axes in PyTorch order.
    """

    to_keras: tuple[int, ...]
    to_torch: tuple[int, ...]


VECTOR = Layout((0,), (0,))
MATRIX = Layout((1, 0), (1, 0))
# (out, in, height, width) and (height, width, in, out).
KERNEL = Layout((2, 3, 1, 0), (3, 2, 0, 1))
# (out, in, depth, height, width) and (depth, height, width, in, out).
VOLUME = Layout((2, 3, 4, 1, 0), (4, 3, 0, 1, 2))
# (channels, 1, height, width) and (height, width, channels, 1).
DEPTHWISE = Layout((2, 3, 0, 1), (2, 3, 0, 1))
KERNELS = (
    (keras.layers.DepthwiseConv2D, DEPTHWISE),
    (keras.layers.Conv2D, KERNEL),
    (keras.layers.Conv3D, VOLUME),
)


@dataclass(frozen=True)
class Weight:
    """A network's weight and its key in a checkpoint.

    Args:
        key: Name in the checkpoint.
        variable: Variable of the network.
        layout: Order of its axes in PyTorch and Keras.
    """

    key: str
    variable: keras.Variable
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in the checkpoint."""
        return tuple(self.variable.shape[axis] for axis in self.layout.to_torch)

    def fill(self, array: np.ndarray) -> None:
        """Assigns a checkpoint's array to the weight."""
        self.variable.assign(self.as_keras(array))

    def as_keras(self, array: np.ndarray) -> np.ndarray:
        """Converts a checkpoint's array to Keras' axes and float32."""
        return np.ascontiguousarray(array.transpose(self.layout.to_keras), dtype="float32")

    def as_torch(self) -> np.ndarray:
        """Returns the weight with PyTorch's axes, as float32."""
        value = np.asarray(keras.ops.convert_to_numpy(self.variable))
        return np.ascontiguousarray(value.transpose(self.layout.to_torch), dtype="<f4")


def named_weights(network: VideoNetwork) -> list[Weight]:
    """Returns all weights of a network under their names in the authors' code.

    Args:
        network: PAN_Lite, or a single PA or RGB branch, on a backbone with torchvision's names.

    Raises:
        CheckpointError: If a layer has no name in the authors' code.

    Example:
        >>> [weight.key for weight in named_weights(network)][-1]
        'base_model.fc.pred.bias'
    """
    return [*motion_weights(network), *backbone_weights(network), *_head_weights(network)]


def motion_weights(network: VideoNetwork) -> list[Weight]:
    """Returns the weights of PA; an empty list for a network without PA.

    The authors' code has one convolution, `PA.shallow_conv`. Several convolutions are named like a
    `Sequential` with ReLUs in between: `PA.shallow_conv.0`, `PA.shallow_conv.2`.
    """
    weights = []
    for layer in network.layers:
        if isinstance(layer, PersistenceOfAppearance):
            for index, (kernel, bias) in enumerate(layer.convolutions):
                place = MOTION if layer.depth == 1 else f"{MOTION}.{2 * index}"
                weights.append(Weight(f"{place}.weight", kernel, KERNEL))
                weights.append(Weight(f"{place}.bias", bias, VECTOR))
    return weights


def backbone_weights(network: VideoNetwork) -> list[Weight]:
    """Returns the weights of the backbone, under the names that its class declares."""
    layers = network.backbone.layers
    key, shifted = declared(network.backbone).torch_key, _shifted(layers)
    return [
        Weight(
            f"{BACKBONE}{key(layer.name)}{SHIFTED if layer.name in shifted else ''}.{name}",
            variable,
            layout,
        )
        for layer in layers
        for name, variable, layout in _parts(layer)
    ]


def declared(backbone: keras.Model) -> type[Backbone]:
    """Returns the class that declares a backbone's weight names; `Backbone` if it has none."""
    return type(backbone) if isinstance(backbone, Backbone) else Backbone


def _shifted(layers: Sequence[keras.layers.Layer]) -> set[str]:
    """Returns the layers directly after a temporal shift, which the authors' code wraps."""
    moved, names = set(), set()
    for layer in layers[1:]:
        if isinstance(layer, TemporalShift):
            moved.add(id(layer.output))
        elif id(layer.input) in moved:
            if isinstance(layer, keras.layers.ZeroPadding2D):
                moved.add(id(layer.output))
            names.add(layer.name)
    return names


def _parts(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.Variable, Layout]]:
    if isinstance(layer, keras.layers.BatchNormalization):
        yield "weight", layer.gamma, VECTOR
        yield "bias", layer.beta, VECTOR
        yield "running_mean", layer.moving_mean, VECTOR
        yield "running_var", layer.moving_variance, VECTOR
        return
    for kind, layout in KERNELS:
        if isinstance(layer, kind):
            yield "weight", layer.kernel, layout
            if layer.use_bias:
                yield "bias", layer.bias, VECTOR
            return
    if layer.weights:
        raise CheckpointError(f"the layer {layer.name} of the backbone has no name in PyTorch")


def _head_weights(network: VideoNetwork) -> list[Weight]:
    aggregation = network.options["aggregation"]
    classifier = network.get_layer("logits")
    place = "new_fc"
    weights = []
    if aggregation == "vap":
        # Both replace the classifier at the end of torchvision's network.
        last = declared(network.backbone).classifier
        vap, place = network.get_layer("vap"), f"{BACKBONE}{last}.pred"
        weights = [
            Weight(f"{BACKBONE}{last}.TES.0.weight", vap.w1, MATRIX),
            Weight(f"{BACKBONE}{last}.TES.2.weight", vap.w2, MATRIX),
        ]
    return [
        *weights,
        Weight(f"{place}.weight", classifier.kernel, MATRIX),
        Weight(f"{place}.bias", classifier.bias, VECTOR),
    ]
