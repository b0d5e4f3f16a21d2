"""Lists the layer calls of a functional model with their shapes, for counting costs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import keras

# Layers that pass their input on, possibly with another shape.
VIEWS = {"Dropout", "ExpandDims", "Flatten", "Identity", "Reshape", "Squeeze"}


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation.

    Attributes:
        path: Names of the enclosing models and of the layer, separated by slashes.
        layer: The layer, or the operation of `keras.ops`.
        inputs: Input tensors, symbolic.
        outputs: Output tensors, symbolic.
    """

    path: str
    layer: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    outputs: tuple[keras.KerasTensor, ...]


def calls_of(model: keras.Model) -> list[Call]:
    """Traces one clip through a model without computing anything.

    Args:
        model: A functional model; nested models are traced too.

    Returns:
        The calls in an executable order.

    Raises:
        ValueError: If the model is not functional, or a side of its input is unknown.

    Example:
        >>> from pan_keras import models
        >>> calls = calls_of(models.create("tsn_micro", classes=8, size=64))
        >>> next(call.outputs[0].shape for call in calls if call.path.endswith("/conv1"))
        (8, 32, 32, 16)
    """
    if not isinstance(model, keras.Sequential) and not is_functional(model):
        raise ValueError(f"{model.name}: not a functional model; its layers cannot be followed")
    inputs = []
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise ValueError(
                f"{model.name}: takes {tensor.shape} so its cost is not defined; "
                "create it for one size"
            )
        inputs.append(keras.KerasTensor((1, *tensor.shape[1:]), tensor.dtype))
    found: list[Call] = []
    follow(model, "", found)(inputs if len(inputs) > 1 else inputs[0])
    return found


def follow(operation: Any, prefix: str, found: list[Call]) -> Callable[..., Any]:
    """Returns a function that replaces an operation and records its calls.

    Args:
        operation: A layer, model or operation.
        prefix: Names of the enclosing models.
        found: The list to append calls to.
    """
    inside = f"{prefix}{operation.name}/"
    if isinstance(operation, keras.Sequential):
        chain = operation.layers
        return lambda tensor: reduce(
            lambda x, layer: follow(layer, inside, found)(x), chain, tensor
        )
    if is_functional(operation):
        # Private in Keras; its public ways to run a graph either compute, or add nodes to the
        # layers.
        return lambda inputs, **_: operation._run_through_graph(
            inputs, operation_fn=lambda part: follow(part, inside, found)
        )

    def call(*args: Any, **kwargs: Any) -> Any:
        outputs = operation.compute_output_spec(*args, **kwargs)
        found.append(
            Call(f"{prefix}{operation.name}", operation, tensors((args, kwargs)), tensors(outputs))
        )
        return outputs

    return call


def is_functional(operation: Any) -> bool:
    """Whether an operation is a functional model."""
    return isinstance(operation, keras.Model) and hasattr(operation, "_run_through_graph")


def tensors(structure: Any) -> tuple[keras.KerasTensor, ...]:
    """The tensors in nested arguments."""
    flat = keras.tree.flatten(structure)
    return tuple(item for item in flat if isinstance(item, keras.KerasTensor))


def peak_bytes(calls: list[Call]) -> int:
    """Peak memory of live tensors during inference, in bytes.

    Calls run one after the other; a tensor lives from the call that creates it to the last one that
    uses it. Reshapes take no memory of their own.

    Args:
        calls: The result of `calls_of`.
    """
    root: dict[int, int] = {}
    size: dict[int, int] = {}
    last_use: dict[int, int] = {}
    for step, call in enumerate(calls):
        for tensor in call.inputs:
            owner = root.setdefault(id(tensor), id(tensor))
            size.setdefault(owner, bytes_of(tensor))
            last_use[owner] = step
        for tensor in call.outputs:
            is_view = type(call.layer).__name__ in VIEWS and call.inputs
            owner = root[id(call.inputs[0])] if is_view else id(tensor)
            root[id(tensor)] = owner
            size.setdefault(owner, bytes_of(tensor))
            last_use[owner] = step
    peak, alive = 0, set()
    for step, call in enumerate(calls):
        alive |= {root[id(tensor)] for tensor in (*call.inputs, *call.outputs)}
        peak = max(peak, sum(size[owner] for owner in alive))
        alive = {owner for owner in alive if last_use[owner] > step}
    return peak


def bytes_of(tensor: keras.KerasTensor) -> int:
    """Size of a tensor in bytes."""
    width = 1 if tensor.dtype == "bool" else int("".join(filter(str.isdigit, tensor.dtype))) // 8
    count = 1
    for side in tensor.shape:
        count *= side
    return count * width
