"""The base class of backbones: what a backbone declares of itself, and how it is saved."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import keras
import numpy as np

from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation

Shapes = Mapping[str, tuple[int, ...]]


class Backbone(keras.Model):
    """A network from maps to one feature vector per row or clip, rebuilt from its configuration.

    A subclass builds the graph, passes it on, and declares what the rest of the package needs:
    models ask for `layout` and `normalisation`, conversion of PyTorch checkpoints for the names of
    weights. It is the only file that knows the network.

    Args:
        maps: Symbolic input.
        features: Symbolic output.
        configuration: The subclass's own arguments; `segments` is one of them.
        policy: Of the layers.

    Attributes:
        layout: `"frames"`: maps `(B * N, H, W, C)` to features `(B * N, d)`, which the network
            aggregates over time. `"clip"`: `(B, N, H, W, C)` to the video feature `(B, d)`, such as
            a 3D convolutional network.
        normalisation: How RGB bytes are scaled before the backbone, and PA, see them.
        stem: Name of the first convolution, which is inflated where it was trained on RGB and is to
            take other channels.
        classifier: Name in PyTorch of the linear layer that the image network ends in, in whose
            place the authors' checkpoints have VAP and their classifier.

    Input shape:
        `(B * N, H, W, channels)`, or `(B, N, H, W, channels)` where `layout` is `"clip"`.

    Output shape:
        `(B * N, d)`, or `(B, d)`.

    Example:
        >>> import pan_keras
        >>> backbone = pan_keras.backbones.create("resnet18", channels=6, segments=8)
        >>> backbone.layout, backbone.output_shape
        ('frames', (None, 512))
        >>> backbone.torch_key("layer1_0_conv1"), backbone.recognise({})
        ('layer1.0.conv1', None)
        >>> backbone.from_timm({"fc.bias": np.zeros(10)})["fc.bias"].shape
        (10,)
    """

    layout: ClassVar[Literal["frames", "clip"]] = "frames"
    normalisation: ClassVar[InputNormalisation] = IMAGENET
    stem: ClassVar[str] = "conv1"
    classifier: ClassVar[str] = "fc"

    def __init__(
        self,
        maps: keras.KerasTensor,
        features: keras.KerasTensor,
        configuration: dict[str, Any],
        policy: keras.DTypePolicy,
        **kwargs: Any,
    ):
        super().__init__(inputs=maps, outputs=features, **kwargs)
        self.dtype_policy = policy
        self.segments = configuration["segments"]
        self.configuration = configuration

    @staticmethod
    def torch_key(layer: str) -> str:
        """The name that a layer has in torchvision, or in the PyTorch code that it comes from.

        Args:
            layer: Name of the layer, which by default is that of PyTorch with underscores.

        Returns:
            Its key prefix, such as `"layer1.0.conv1"`.
        """
        return layer.replace("_", ".")

    @classmethod
    def recognise(cls, shapes: Shapes) -> dict[str, Any] | None:
        """Tells from a state_dict whether it is of this class, and of which arguments.

        Args:
            shapes: Shapes by key, under torchvision's names.

        Returns:
            The constructor's arguments but for `channels`, `segments` and `causal`; None where the
            keys are of another network, which is the answer of a class that does not override this.

        Raises:
            ValueError: If the keys are of this network, and a tensor is absent or misshapen: a
                clause that says which.
        """
        del shapes
        return None

    @classmethod
    def from_timm(cls, state: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The arrays of a state_dict of timm under torchvision's names.

        Args:
            state: Of timm or of torchvision; timm's names are torchvision's for a class that does
                not override this.

        Returns:
            The same arrays by torchvision's keys.
        """
        return state

    def get_config(self) -> dict[str, Any]:
        return {
            **self.configuration,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def shape_of(shapes: Shapes, key: str, axes: int) -> tuple[int, ...]:
    """The shape of a tensor that must be there.

    Args:
        shapes: Shapes by key.
        key: Of the tensor.
        axes: How many it must have.

    Returns:
        The shape.

    Raises:
        ValueError: If it is absent, or has another number of axes.

    Example:
        >>> shape_of({"fc.weight": (10, 512)}, "fc.weight", axes=2)
        (10, 512)
    """
    if key not in shapes:
        raise ValueError(f"it lacks {key}")
    if len(shapes[key]) != axes:
        raise ValueError(f"{key} has {len(shapes[key])} axes instead of {axes}")
    return tuple(shapes[key])
