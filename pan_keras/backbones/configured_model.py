"""The base class of networks that are saved by the arguments of their constructor."""

from typing import Any, Self

import keras


class ConfiguredModel(keras.Model):
    """A functional model that is rebuilt from its arguments, not from its graph.

    A subclass builds the graph in its constructor and passes it on.

    Args:
        inputs: Symbolic input.
        outputs: Symbolic outputs.
        configuration: The subclass's own arguments.
        policy: Dtype policy of the layers.
    """

    def __init__(
        self,
        inputs: keras.KerasTensor,
        outputs: keras.KerasTensor | list[keras.KerasTensor],
        configuration: dict[str, Any],
        policy: keras.DTypePolicy,
        **kwargs: Any,
    ):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.dtype_policy = policy
        self.configuration = configuration

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
