"""Tensor descriptions from checkpoints, with sizes validated before any data is read."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pan_keras.checkpoints.pickle_machine import Constructor, fill
from pan_keras.errors import CheckpointError

MOST_AXES = 8
LONGEST_SIDE = 1 << 40

Order = Literal["C", "F"]


def is_shape(sides: Sequence[Any]) -> bool:
    """Returns whether numbers are a valid shape of limited size; empty tensors are not."""
    return len(sides) <= MOST_AXES and all(
        type(side) is int and 0 < side <= LONGEST_SIDE for side in sides
    )


@dataclass(frozen=True)
class ElementType:
    """A number type and its names in the file formats.

    Args:
        storage: Name of torch's storage class.
        safetensors: Name in safetensors files.
        numpy: Little-endian NumPy type string.
        wide: Whether it is bfloat16, which NumPy lacks and which is read as float32.
    """

    storage: str
    safetensors: str
    numpy: str
    wide: bool = False

    @property
    def size(self) -> int:
        """Bytes per number."""
        return np.dtype(self.numpy).itemsize

    def numbers(self, content: memoryview | bytes) -> np.ndarray:
        """Interprets bytes as numbers without a copy; bfloat16 as integers."""
        return np.frombuffer(content, dtype=self.numpy)

    def widened(self, numbers: np.ndarray) -> np.ndarray:
        """Converts bfloat16 to float32, of which it is the upper half; returns others unchanged."""
        return (numbers.astype("<u4") << 16).view("<f4") if self.wide else numbers

    def decode(self, content: memoryview | bytes, shape: Sequence[int], order: Order) -> np.ndarray:
        """Decodes a tensor from its bytes.

        Raises:
            CheckpointError: If the number of bytes does not match the shape.
        """
        if math.prod(shape) * self.size != len(content):
            raise CheckpointError(f"{len(content):,} bytes do not make a tensor {tuple(shape)}")
        return self.widened(self.numbers(content).reshape(shape, order=order))


ELEMENT_TYPES = (
    ElementType("FloatStorage", "F32", "<f4"),
    ElementType("DoubleStorage", "F64", "<f8"),
    ElementType("HalfStorage", "F16", "<f2"),
    ElementType("BFloat16Storage", "BF16", "<u2", wide=True),
    ElementType("LongStorage", "I64", "<i8"),
    ElementType("IntStorage", "I32", "<i4"),
    ElementType("ShortStorage", "I16", "<i2"),
    ElementType("CharStorage", "I8", "|i1"),
    ElementType("ByteStorage", "U8", "|u1"),
    ElementType("BoolStorage", "BOOL", "|b1"),
)


@dataclass(frozen=True)
class Storage:
    """A contiguous block of numbers in a file, viewed by tensors.

    Args:
        key: Name in the file.
        element: Type of the numbers.
        count: Number of elements.
    """

    key: str
    element: ElementType
    count: int

    @property
    def bytes(self) -> int:
        """Size in the file in bytes."""
        return self.count * self.element.size


@dataclass(frozen=True)
class StoredTensor:
    """A tensor whose data has not been read.

    Args:
        storage: Storage that it is a view of.
        offset: Index of its first element in the storage.
        shape: Length of each axis.
        strides: Step between elements along each axis, in elements.

    Raises:
        CheckpointError: If the tensor reaches beyond its storage.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self):
        # The values are left out of the message: as nested tuples they could print endlessly.
        strides = all(type(stride) is int and stride >= 0 for stride in self.strides)
        if not is_shape(self.shape) or len(self.shape) != len(self.strides) or not strides:
            raise CheckpointError("it has a tensor with an invalid shape or invalid strides")
        steps = zip(self.shape, self.strides, strict=True)
        end = self.offset + 1 + sum((length - 1) * stride for length, stride in steps)
        if self.offset < 0 or end > self.storage.count or self.count > self.storage.count:
            raise CheckpointError(
                f"it has a tensor {self.shape} of {self.count:,} numbers in a storage of "
                f"{self.storage.count:,}"
            )

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size of the elements in bytes."""
        return self.count * self.storage.element.size

    def read(self, contents: Mapping[str, memoryview]) -> np.ndarray:
        """Returns the tensor, as a view of the file where possible.

        Args:
            contents: Bytes of each storage, of exactly its size.
        """
        element = self.storage.element
        numbers = element.numbers(contents[self.storage.key])[self.offset :]
        strides = [stride * element.size for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers, self.shape, strides, writeable=False)
        return element.widened(view)


class Storages(dict[str, Storage]):
    """The storages that a pickle refers to, by key."""

    def persistent(self, identity: Any) -> Storage:
        """Returns the storage of a persistent id: ("storage", type, key, device, count, view)."""
        if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] != "storage":
            raise CheckpointError("its pickle refers to something that is not a storage")
        _, element, key, _, count, *view = identity
        if not isinstance(element, ElementType) or type(key) is not str:
            raise CheckpointError("its pickle describes a storage without type or key")
        if type(count) is not int or count < 0 or view not in ([], [None]):
            raise CheckpointError(f"its pickle describes the storage {key!r} in an unknown way")
        storage = Storage(key, element, count)
        if self.setdefault(key, storage) != storage:
            raise CheckpointError(f"its pickle describes the storage {key!r} in two ways")
        return storage


def _ordered_dict(arguments: tuple) -> OrderedDict:
    made: OrderedDict = OrderedDict()
    if arguments == ():
        return made
    # Python 2 wrote the items as a list of pairs.
    (pairs, *rest) = arguments
    if rest or type(pairs) is not list or any(type(p) not in (list, tuple) for p in pairs):
        raise CheckpointError("its pickle makes an OrderedDict of something other than pairs")
    for pair in pairs:
        if len(pair) != 2:
            raise CheckpointError("its pickle makes an OrderedDict of something other than pairs")
        fill(made, list(pair))
    return made


def _tensor(arguments: tuple) -> StoredTensor:
    storage, offset, shape, strides = arguments[:4] if len(arguments) >= 4 else (None,) * 4
    if not isinstance(storage, Storage) or type(offset) is not int:
        raise CheckpointError("its pickle rebuilds a tensor without a storage")
    if type(shape) is not tuple or type(strides) is not tuple:
        raise CheckpointError("its pickle rebuilds a tensor without a shape")
    return StoredTensor(storage, offset, shape, strides)


def _parameter(arguments: tuple) -> StoredTensor:
    if not arguments or not isinstance(arguments[0], StoredTensor):
        raise CheckpointError("its pickle rebuilds a parameter without a tensor")
    return arguments[0]


CONSTRUCTORS = (
    Constructor("collections.OrderedDict", _ordered_dict),
    Constructor("torch._utils._rebuild_tensor", _tensor),
    Constructor("torch._utils._rebuild_tensor_v2", _tensor),
    Constructor("torch._utils._rebuild_parameter", _parameter),
)
NAMES: dict[str, Any] = {
    **{constructor.name: constructor for constructor in CONSTRUCTORS},
    **{f"torch.{element.storage}": element for element in ELEMENT_TYPES},
}
