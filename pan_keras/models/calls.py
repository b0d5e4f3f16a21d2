"""Layer calls of a functional model with their shapes, for counting costs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import keras

# These give their input on, under another shape or as it is.
VIEWS = {"Dropout", "ExpandDims", "Flatten", "Identity", "Reshape", "Squeeze"}


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation.

    Attributes:
        path: Names of the models around the layer and its own, with slashes.
        layer: The layer, or the operation of `keras.ops`.
        inputs: Tensors that go in, shapes and dtypes without values.
        outputs: Tensors that come out.
    """

    path: str
    layer: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    outputs: tuple[keras.KerasTensor, ...]


def calls_of(model: keras.Model) -> list[Call]:
    """Follows one clip through a model without computing anything.

    Args:
        model: A functional model; models inside it are followed too.

    Returns:
        The calls in an order in which they can be made.

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
                f"{model.name}: takes {tensor.shape} and so has no cost of its own; "
                "make it for one size"
            )
        inputs.append(keras.KerasTensor((1, *tensor.shape[1:]), tensor.dtype))
    found: list[Call] = []
    follow(model, "", found)(inputs if len(inputs) > 1 else inputs[0])
    return found


def follow(operation: Any, prefix: str, found: list[Call]) -> Callable[..., Any]:
    """A function that stands for an operation: it takes tensors on and writes down the calls.

    Args:
        operation: A layer, model or operation.
        prefix: Names of the models around it.
        found: Where calls are written down.
    """
    inside = f"{prefix}{operation.name}/"
    if isinstance(operation, keras.Sequential):
        chain = operation.layers
        return lambda tensor: reduce(
            lambda x, layer: follow(layer, inside, found)(x), chain, tensor
        )
    if is_functional(operation):
        # Keras' own way through the graph of a model; its public ways either compute, or hang new
        # nodes on the layers.
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
    """Whether something is a model that Keras knows as a graph of layers."""
    return isinstance(operation, keras.Model) and hasattr(operation, "_run_through_graph")


def tensors(structure: Any) -> tuple[keras.KerasTensor, ...]:
    """The tensors in a nest of arguments."""
    flat = keras.tree.flatten(structure)
    return tuple(item for item in flat if isinstance(item, keras.KerasTensor))


def peak_bytes(calls: list[Call]) -> int:
    """Bytes of the tensors that are alive at the same time, at the worst moment of inference.

    Calls are made one after the other; a tensor lives from the call that makes it to the last one
    that takes it. Changes of shape take no room of their own.

    Args:
        calls: As `calls_of` gives them.
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
    """Bytes of the values of a tensor."""
    width = 1 if tensor.dtype == "bool" else int("".join(filter(str.isdigit, tensor.dtype))) // 8
    count = 1
    for side in tensor.shape:
        count *= side
    return count * width
