"""Flow estimation from a pair of frames of any size."""

from typing import Any, Self

import keras
from keras import layers, ops

from pan_keras.flow.flow_core import FlowCore


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowEstimator(keras.Model):
    """Estimates the flow between two frames of any size.

    If the network requires other sides, frames are padded with their border pixels on the right and
    at the bottom, and the flow is cropped. `create` makes an estimator by name.

    Args:
        core: The network as published.
        size: Height and width of the frames, or one number for a square; None for any size.
        dtype: Dtype policy of the layers around the core; by default the core's.

    Attributes:
        predictions: Output of the core, including the coarse flows for training:
            `keras.Model(network.input, network.predictions)` can be trained on them.

    Input shape:
        `(B, 2, H, W, 3)`: RGB in 0..255, uint8 or float.

    Output shape:
        `(B, H, W, 2)`: pixels to the right and pixels down, from the first frame to the second.

    Example:
        >>> from pan_keras.flow import FlowNetS
        >>> network = FlowEstimator(FlowNetS(width=0.125))
        >>> network(keras.random.uniform((1, 2, 72, 96, 3), 0, 255)).shape
        (1, 72, 96, 2)

    References:
        PAN paper, Table II.
    """

    def __init__(
        self,
        core: FlowCore,
        size: int | tuple[int, int] | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        policy = keras.dtype_policies.get(dtype or core.dtype_policy)
        height, width = (size, size) if size is None or isinstance(size, int) else size
        frames = keras.Input((2, height, width, 3), name="frames")
        maps = _PairToMaps(
            core.multiple, core.least, core.normalisation, dtype=policy, name="maps"
        )(frames)
        predictions = core(maps)
        flow = _Crop(dtype="float32", name="cropped")([core.finish(predictions, policy), frames])
        super().__init__(inputs=frames, outputs=flow, **kwargs)
        self.dtype_policy = policy
        self.core = core
        self.size = size
        self.predictions = predictions

    def get_config(self) -> dict[str, Any]:
        return {
            "core": keras.saving.serialize_keras_object(self.core),
            "size": self.size,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        core = keras.saving.deserialize_keras_object(config["core"])
        size = config["size"]
        return cls(
            **{**config, "core": core, "size": tuple(size) if isinstance(size, list) else size}
        )


@keras.saving.register_keras_serializable(package="pan_keras")
class _PairToMaps(layers.Layer):
    """Normalises and pads a pair of frames, and concatenates them along the channels."""

    def __init__(self, multiple: int, least: int, normalisation: str, **kwargs: Any):
        # Always in float32, which a mean over a frame requires.
        super().__init__(autocast=False, **kwargs)
        self.multiple = multiple
        self.least = least
        self.normalisation = normalisation

    def call(self, frames: keras.KerasTensor) -> keras.KerasTensor:
        frames = ops.cast(frames, "float32")
        if self.normalisation == "mean":
            frames = (frames - ops.mean(frames, axis=(1, 2, 3), keepdims=True)) / 255
        else:
            frames = frames / 127.5 - 1
        maps = ops.cast(ops.concatenate([frames[:, 0], frames[:, 1]], axis=-1), self.compute_dtype)
        for axis in (1, 2):
            side = ops.shape(maps)[axis]
            wanted = self._padded(side)
            if isinstance(side, int) and side == wanted:
                continue
            places = ops.minimum(ops.arange(wanted, dtype="int32"), side - 1)
            maps = ops.take(maps, places, axis=axis)
        return maps

    def _padded(self, side: Any) -> Any:
        padded = -(-side // self.multiple) * self.multiple
        return max(padded, self.least) if isinstance(side, int) else ops.maximum(padded, self.least)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        batch, _, *sides, channels = input_shape
        return (batch, *(side and self._padded(side) for side in sides), 2 * channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "least": self.least,
            "normalisation": self.normalisation,
        }


@keras.saving.register_keras_serializable(package="pan_keras")
class _Crop(layers.Layer):
    """Crops a flow to the size of the frames."""

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        flow, frames = inputs
        _, _, height, width, _ = ops.shape(frames)
        return ops.cast(flow[:, :height, :width], self.compute_dtype)

    def compute_output_shape(self, input_shape: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        flow, frames = input_shape
        return (flow[0], *frames[2:4], 2)
