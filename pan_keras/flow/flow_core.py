"""The base class of flow networks, from a pair of frames to flow predictions."""

from typing import ClassVar

import keras

from pan_keras.backbones.configured_model import ConfiguredModel


class FlowCore(ConfiguredModel):
    """A flow network as published, serialisable by its configuration.

    `FlowEstimator` wraps one for pairs of frames. A subclass builds the graph and declares the
    requirements for its frames.

    Args:
        inputs: Symbolic input.
        outputs: The predictions, symbolic.
        configuration: The subclass's own arguments.
        policy: Dtype policy of the layers.

    Attributes:
        multiple: Height and width of the maps must be multiples of it.
        least: Minimum height and width.
        normalisation: `"mean"`: frames in 0..1, minus the mean of each channel over the pair.
            `"unit"`: frames in -1..1.

    Input shape:
        `(B, H, W, 6)`: both frames.

    Output shape:
        A list of flows, each `(B, h, w, 2)`; the coarse ones are for training.

    Example:
        >>> from pan_keras.flow import FlowNetS
        >>> core = FlowNetS(width=0.125)
        >>> predictions = core(keras.random.normal((1, 64, 128, 6)))
        >>> core.finish(predictions, core.dtype_policy).shape
        (1, 64, 128, 2)
    """

    multiple: ClassVar[int] = 64
    least: ClassVar[int] = 64
    normalisation: ClassVar[str] = "mean"

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        """Computes the flow at full resolution from the predictions.

        Args:
            predictions: Output of the network.
            policy: Dtype policy of the layers created here.

        Returns:
            `(B, H, W, 2)`, in pixels.

        Example:
            >>> from pan_keras.flow import FlowNetFusion
            >>> core = FlowNetFusion(width=0.25)
            >>> predictions = core(keras.random.normal((1, 64, 64, 11)))
            >>> FlowNetFusion.finish(predictions, core.dtype_policy).shape
            (1, 64, 64, 2)
        """
        raise NotImplementedError
