"""Checks the structure of an exported model against what devices support."""

from collections.abc import Iterator

from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.formats.flatbuffer import list_tflite
from pan_keras.deploy.formats.listing import Listing
from pan_keras.deploy.formats.protobuf import list_onnx
from pan_keras.errors import UserError

MOST_AXES = 4
# Built into TFLite, but supported neither by quantisation nor by phone delegates.
AVOIDED = {"REDUCE_MAX": "MAXIMUM or MAX_POOL_2D"}
Description = tuple[tuple[int, ...], str]


def check_structure(artefact: Artefact, shape: ClipShape, classes: int) -> None:
    """Refuses a model that devices do not support.

    Args:
        artefact: The exported model.
        shape: Shape of its clips.
        classes: Number of classes.

    Raises:
        UserError: If there are problems; the message lists all of them.
    """
    problems = structure_problems(artefact, shape, classes)
    if problems:
        raise UserError(f"the exported {artefact.format}: {'; '.join(problems)}")


def structure_problems(artefact: Artefact, shape: ClipShape, classes: int) -> list[str]:
    """Lists the problems with the structure of an exported model.

    Operations must be built in, tensors must have at most four axes of known length, and the
    signature must be that of `pan_keras.deploy.artefact.Artefact`. In an ONNX file with a dynamic
    batch, the first axis may be unknown.

    Args:
        artefact: The exported model.
        shape: Shape of its clips.
        classes: Number of classes.

    Returns:
        One sentence per problem.

    Example:
        >>> structure_problems(artefact, ClipShape(8, 4, (224, 224), 256), classes=174)
        ['TRANSPOSE gives a tensor of 5 axes, of which delegates take 4']
    """
    read = list_tflite if artefact.format == "tflite" else list_onnx
    listing = read(artefact.content)
    problems = [*operation_problems(listing), *tensor_problems(listing)]
    if artefact.format == "tflite" and listing.signatures != ("serve",):
        problems.append(f"its signatures are {list(listing.signatures)}, not ['serve']")
    problems += end_problems("input", described(listing.inputs), inputs(artefact, shape))
    problems += end_problems(
        "output", described(listing.outputs), outputs(artefact, shape, classes)
    )
    return problems


def operation_problems(listing: Listing) -> Iterator[str]:
    """Yields problems with the kinds of operations."""
    if listing.graphs > 1:
        yield f"it has {listing.graphs} graphs, so it contains a loop or a branch"
    kinds = {operation.name: operation.custom for operation in listing.operations}
    for name, custom in kinds.items():
        if custom:
            yield f"{name} is not built in, so standard runtimes do not support it"
        if name in AVOIDED:
            yield f"{name} can neither be quantised nor run on delegates; use {AVOIDED[name]}"


def tensor_problems(listing: Listing) -> Iterator[str]:
    """Yields problems with the shapes of tensors."""
    open_input = any(tensor.shape[:1] == (-1,) for tensor in listing.inputs.values())
    for operation in listing.operations:
        for tensor in operation.outputs:
            if len(tensor.shape) > MOST_AXES:
                yield (
                    f"{operation.name} gives a tensor of {len(tensor.shape)} axes, but delegates "
                    f"support {MOST_AXES}"
                )
            if -1 in tensor.shape[1 if open_input else 0 :]:
                yield f"{operation.name} gives {tensor.name} of unknown shape {tensor.shape}"


def inputs(artefact: Artefact, shape: ClipShape) -> dict[str, Description]:
    """Returns the required inputs of an artefact."""
    rows = shape.stack * (1 if artefact.streaming else shape.segments)
    states = {state.name: (state.shape, state.dtype) for state in artefact.states}
    return {"frames": ((rows, *shape.size, 3), "uint8"), **states}


def outputs(artefact: Artefact, shape: ClipShape, classes: int) -> dict[str, Description]:
    """Returns the required outputs of an artefact, and the optional motion maps."""
    prefix = "next_" if artefact.format == "onnx" else ""
    states = {f"{prefix}{state.name}": (state.shape, state.dtype) for state in artefact.states}
    segments = 1 if artefact.streaming else shape.segments
    motion = ((segments, *shape.size, shape.stack - 1), "float32")
    return {"logits": ((1, classes), "float32"), "motion": motion, **states}


def described(tensors) -> dict[str, Description]:
    """Returns shape and dtype by name."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def end_problems(
    kind: str, found: dict[str, Description], wanted: dict[str, Description]
) -> Iterator[str]:
    """Yields problems with the inputs or outputs."""
    for name in found.keys() - wanted.keys():
        yield f"it has an unexpected {kind} {name}"
    for name, (shape, dtype) in wanted.items():
        if name not in found:
            if name != "motion":
                yield f"it lacks the {kind} {name}"
            continue
        found_shape, found_dtype = found[name]
        open_first = found_shape[:1] == (-1,) and found_shape[1:] == shape[1:]
        if found_dtype != dtype or not (found_shape == shape or open_first):
            yield (f"its {kind} {name} is {found_dtype} {found_shape} and not {dtype} {shape}")
