"""The layers that give scores."""

from typing import Any

import keras
from keras import ops

from pan_keras.layers import ScoreFusion


@keras.saving.register_keras_serializable(package="pan_keras")
class Classifier(keras.layers.Dense):
    """The linear layer that gives a network's logits, a class of its own so that it can be told."""

    @classmethod
    def of(cls, layer: keras.layers.Dense, features: Any, prefix: str) -> Any:
        """Applies the classifier of a trained network."""
        classifier = cls(layer.units, dtype="float32", name=f"{prefix}classifier")
        logits = classifier(features)
        classifier.set_weights(layer.get_weights())
        return logits


@keras.saving.register_keras_serializable(package="pan_keras")
class BranchFusion(ScoreFusion):
    """`ScoreFusion` of a list of logits `(B, classes)`, one a branch."""

    def build(self, input_shape: Any) -> None:
        super().build((input_shape[0][0], len(input_shape), input_shape[0][-1]))

    def call(self, logits: list[Any]) -> Any:
        return super().call(ops.stack(logits, axis=1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]
