"""Tensors as described in checkpoints, with sizes checked before anything is read."""

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
    """Whether numbers can be a shape that is worth multiplying out; empty tensors are none."""
    return len(sides) <= MOST_AXES and all(
        type(side) is int and 0 < side <= LONGEST_SIDE for side in sides
    )


@dataclass(frozen=True)
class ElementType:
    """A type of numbers, under the names that files have for it.

    Args:
        storage: Name of torch's storage of it.
        safetensors: Its name in safetensors files.
        numpy: Its layout for NumPy, little-endian.
        wide: Whether it is bfloat16, which NumPy does not know and which is read as float32.
    """

    storage: str
    safetensors: str
    numpy: str
    wide: bool = False

    @property
    def size(self) -> int:
        """Bytes of one number."""
        return np.dtype(self.numpy).itemsize

    def numbers(self, content: memoryview | bytes) -> np.ndarray:
        """The numbers that bytes stand for, without a copy; bfloat16 as whole numbers."""
        return np.frombuffer(content, dtype=self.numpy)

    def widened(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers, with bfloat16 as float32, of which it is the upper half."""
        return (numbers.astype("<u4") << 16).view("<f4") if self.wide else numbers

    def decode(self, content: memoryview | bytes, shape: Sequence[int], order: Order) -> np.ndarray:
        """A tensor from its bytes.

        Raises:
            CheckpointError: If they are not as many as the shape needs.
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
    """A run of numbers in a file, which tensors are views of.

    Args:
        key: Its name in the file.
        element: Type of the numbers.
        count: How many there are.
    """

    key: str
    element: ElementType
    count: int

    @property
    def bytes(self) -> int:
        """Bytes that it takes in the file."""
        return self.count * self.element.size


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that has not been read.

    Args:
        storage: What it is a view of.
        offset: Its first number.
        shape: Length of each axis.
        strides: Numbers from one place to the next along each axis.

    Raises:
        CheckpointError: If the tensor reaches beyond its storage.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self):
        # Nothing is shown of what may be nested tuples: their text can be endless.
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
        """Numbers in the tensor."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of its numbers."""
        return self.count * self.storage.element.size

    def read(self, contents: Mapping[str, memoryview]) -> np.ndarray:
        """The tensor, as a view of the file where that is possible.

        Args:
            contents: Bytes of each storage, as many as it has.
        """
        element = self.storage.element
        numbers = element.numbers(contents[self.storage.key])[self.offset :]
        strides = [stride * element.size for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers, self.shape, strides, writeable=False)
        return element.widened(view)


class Storages(dict[str, Storage]):
    """The storages that a pickle speaks of, by key."""

    def persistent(self, identity: Any) -> Storage:
        """The storage of a persistent id: ("storage", type, key, device, count, view or not)."""
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
