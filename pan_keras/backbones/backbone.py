"""What all backbones share: a network from maps to features that knows how it was made."""

from typing import Any

import keras


class Backbone(keras.Model):
    """A network from maps to one feature vector a row, made anew from its configuration.

    Subclasses build the graph and hand it over.

    Args:
        maps: Symbolic input `(B * N, H, W, channels)`.
        features: Symbolic output `(B * N, d)`.
        configuration: The subclass's own arguments; `segments` is one of them.
        policy: Of the layers.
    """

    def __init__(self, maps, features, configuration: dict[str, Any], policy, **kwargs):
        super().__init__(inputs=maps, outputs=features, **kwargs)
        self.dtype_policy = policy
        self.segments = configuration["segments"]
        self.configuration = configuration

    def get_config(self):
        return {
            **self.configuration,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
