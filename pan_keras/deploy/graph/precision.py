"""Models that were trained in half precision, in float32."""

from typing import Any

import keras


def in_float32(model: keras.Model) -> keras.Model:
    """The model, or its twin in float32 if it computes in another precision."""
    policy = model.dtype_policy.name
    if policy == "float32":
        return model

    def widened(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: widened(child) for key, child in value.items()}
        if isinstance(value, list):
            return [widened(child) for child in value]
        return "float32" if value == policy else value

    twin = type(model).from_config(widened(model.get_config()))
    twin.set_weights(model.get_weights())
    return twin
