"""Why an operation of a converted file computes in float."""

import re
from collections.abc import Mapping

GIVEN_OUT = "gives an output, which is float"
NO_FORM = "the quantiser has no form of it in eight bits"


def reason(tensor: str, float_layers: Mapping[str, str]) -> str | None:
    """Why the operation that makes a tensor is left in float; None if it is not.

    Both converters keep the name of the Keras layer that an operation comes from as a part of its
    tensor's name, in front of a slash, with a number that TensorFlow appends; the TFLite converter
    joins the names of operations that it fuses by semicolons. Two kinds of operations do not bear
    their layer's name: those that give an output of the file, which bear the output's, and those of
    no layer, such as a reshaping between layers.

    Args:
        tensor: Its name.
        float_layers: The reason by the name of the layer, as
            `pan_keras.deploy.graph.precision.float_layers` gives it.

    Example:
        >>> reason("pa_norm_1/Sqrt;add_1/Add", {"pa_norm": "squares"})
        'squares'
    """
    return next((why for layer, why in float_layers.items() if _made_in(layer, tensor)), None)


def _made_in(layer: str, tensor: str) -> bool:
    return re.search(rf"(^|[/;]){re.escape(layer)}(_\d+)?/", tensor) is not None
