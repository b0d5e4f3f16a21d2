"""A safe interpreter for the pickles inside PyTorch checkpoints.

A pickle is a program. Python's unpickler imports and calls whatever the program names. This
interpreter supports only the operations and names that a checkpoint needs, with its own function
for each name. Anything else is an error that names the operation or function requested.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pickletools import opcodes
from typing import Any

from pan_keras.errors import CheckpointError

# A checkpoint of ResNet-101 with momentum takes about 50,000. Each operation creates at most one
# object, so this bounds memory and time for any input.
MOST_OPERATIONS = 1_000_000
LONGEST_NAME = 256
PROTOCOLS = range(2, 6)
KEYS = (str, int, float, type(None))


@dataclass(frozen=True)
class Constructor:
    """The replacement for a function that pickles name.

    Args:
        name: Name in the pickle, `module.name`.
        make: Called with the pickle's tuple of arguments.
    """

    name: str
    make: Callable[[tuple], Any]


class PickleMachine:
    """Runs one pickle.

    Args:
        data: The bytes that contain the pickle.
        start: Offset of the pickle.
        names: Constructors and constants that the pickle may use, by `module.name`.
        persistent: Returns the object for a persistent id of the pickle.

    Attributes:
        position: Offset of the next operation; after `run`, the end of the pickle.

    Example:
        >>> PickleMachine(b"\\x80\\x02K\\x07.", 0, {}, persistent=None).run()
        7
    """

    def __init__(
        self,
        data: bytes | memoryview,
        start: int,
        names: Mapping[str, Any],
        persistent: Callable[[Any], Any] | None = None,
    ):
        self.data = data
        self.position = start
        self.names = names
        self.persistent = persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stack below each mark
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Runs the pickle and returns its object.

        Raises:
            CheckpointError: If the pickle is damaged, or uses more than a checkpoint needs.
        """
        for _ in range(MOST_OPERATIONS):
            code = self.take(1)[0]
            if code == STOP:
                if self.below or len(self.stack) != 1:
                    raise CheckpointError("its pickle ends in the middle of an object")
                return self.stack[0]
            if code not in OPERATIONS:
                name = next((known.name for known in opcodes if ord(known.code) == code), code)
                raise CheckpointError(
                    f"its pickle uses the operation {name}, which no checkpoint needs"
                )
            OPERATIONS[code](self)
        raise CheckpointError(f"its pickle has more than {MOST_OPERATIONS:,} operations")

    def take(self, count: int) -> bytes:
        """Consumes the next bytes."""
        end = self.position + count
        if end > len(self.data):
            raise CheckpointError("it ends in the middle of its pickle")
        taken = bytes(self.data[self.position : end])
        self.position = end
        return taken

    def number(self, layout: str) -> Any:
        """Consumes the next number, given its `struct` format."""
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return value

    def line(self) -> str:
        """Consumes the next line of text and returns it without the line break."""
        window = bytes(self.data[self.position : self.position + LONGEST_NAME])
        length = window.find(b"\n")
        if length < 0:
            raise CheckpointError("its pickle has a name that does not end")
        return decode(self.take(length + 1)[:-1])

    def pop(self) -> Any:
        """Pops the top object off the stack."""
        if not self.stack:
            raise CheckpointError("its pickle removes more objects than it has")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Pops all objects above the last mark off the stack."""
        if not self.below:
            raise CheckpointError("its pickle lacks a mark")
        above, self.stack = self.stack, self.below.pop()
        return above

    def top(self, kind: type) -> Any:
        """Returns the top object, which must be an instance of `kind`."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise CheckpointError(f"its pickle fills something other than {kind.__name__}")
        return self.stack[-1]

    def recall(self, index: int) -> None:
        """Pushes a memoised object."""
        if index not in self.memo:
            raise CheckpointError("its pickle recalls an object that it never stored")
        self.stack.append(self.memo[index])

    def memorise(self, index: int) -> None:
        """Stores the top object in the memo."""
        if not self.stack:
            raise CheckpointError("its pickle stores an object that it does not have")
        self.memo[index] = self.stack[-1]


STOP = ord(".")


def decode(text: bytes) -> str:
    """Decodes UTF-8 text."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise CheckpointError("its pickle has text that is not UTF-8") from None


def _protocol(machine: PickleMachine) -> None:
    version = machine.number("<B")
    if version not in PROTOCOLS:
        raise CheckpointError(f"its pickle has protocol {version}; known are 2 to 5")


def _frame(machine: PickleMachine) -> None:
    if machine.number("<Q") > len(machine.data) - machine.position:
        raise CheckpointError("it ends in the middle of its pickle")


def _mark(machine: PickleMachine) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def _long(machine: PickleMachine) -> None:
    content = machine.take(machine.number("<B"))
    machine.stack.append(int.from_bytes(content, "little", signed=True))


def _tuple(machine: PickleMachine) -> None:
    above = machine.pop_to_mark()
    machine.stack.append(tuple(above))


def _append(machine: PickleMachine) -> None:
    value = machine.pop()
    machine.top(list).append(value)


def _appends(machine: PickleMachine) -> None:
    above = machine.pop_to_mark()
    machine.top(list).extend(above)


def _set_item(machine: PickleMachine) -> None:
    value, key = machine.pop(), machine.pop()
    fill(machine.top(dict), [key, value])


def _set_items(machine: PickleMachine) -> None:
    above = machine.pop_to_mark()
    fill(machine.top(dict), above)


def fill(target: dict, items: list) -> None:
    """Adds alternating keys and values to a dict; refuses duplicate keys."""
    if len(items) % 2:
        raise CheckpointError("its pickle has a key without a value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Hashing a container used as a key takes exponential time if it is deeply nested.
        if type(key) not in KEYS:
            raise CheckpointError(f"its pickle has a key of type {type(key).__name__}")
        if key in target:
            raise CheckpointError(f"its pickle has the key {key!r} twice")
        target[key] = value


def _global(machine: PickleMachine) -> None:
    module, name = machine.line(), machine.line()
    _push_named(machine, module, name)


def _stack_global(machine: PickleMachine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(name) is not str or type(module) is not str:
        raise CheckpointError("its pickle names something by an object that is not text")
    _push_named(machine, module, name)


def _push_named(machine: PickleMachine, module: str, name: str) -> None:
    full = f"{module}.{name}"[:LONGEST_NAME]
    if full not in machine.names:
        raise CheckpointError(
            f"it asks for {full!r}, which no state_dict needs; files that hold more than tensors "
            "can run code and are not read"
        )
    machine.stack.append(machine.names[full])


def _reduce(machine: PickleMachine) -> None:
    arguments, function = machine.pop(), machine.pop()
    if not isinstance(function, Constructor):
        raise CheckpointError(f"its pickle calls an object of type {type(function).__name__}")
    if type(arguments) is not tuple:
        raise CheckpointError(f"its pickle calls {function.name} without a tuple of arguments")
    machine.stack.append(function.make(arguments))


def _build(machine: PickleMachine) -> None:
    # An OrderedDict carries `_metadata`, the versions of torch's modules, which is not needed here.
    state = machine.pop()
    target = machine.top(OrderedDict)
    if type(state) is not dict:
        raise CheckpointError(
            f"its pickle sets the state of a {type(target).__name__} to something other than a dict"
        )


def _persistent(machine: PickleMachine) -> None:
    identity = machine.pop()
    if machine.persistent is None:
        raise CheckpointError("its pickle refers to a storage where none is allowed")
    machine.stack.append(machine.persistent(identity))


def _pushing(value: Callable[[PickleMachine], Any]) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(value(machine))


def _tuple_of(count: int) -> Callable[[PickleMachine], None]:
    def operate(machine: PickleMachine) -> None:
        machine.stack.append(tuple(reversed([machine.pop() for _ in range(count)])))

    return operate


OPERATIONS: dict[int, Callable[[PickleMachine], None]] = {
    code[0]: operation
    for code, operation in {
        b"\x80": _protocol,
        b"\x95": _frame,
        b"(": _mark,
        b"N": _pushing(lambda _: None),
        b"\x88": _pushing(lambda _: True),
        b"\x89": _pushing(lambda _: False),
        b"J": _pushing(lambda machine: machine.number("<i")),
        b"K": _pushing(lambda machine: machine.number("<B")),
        b"M": _pushing(lambda machine: machine.number("<H")),
        b"\x8a": _long,
        b"G": _pushing(lambda machine: machine.number(">d")),
        b"X": _pushing(lambda machine: decode(machine.take(machine.number("<I")))),
        b"\x8c": _pushing(lambda machine: decode(machine.take(machine.number("<B")))),
        b"T": _pushing(lambda machine: decode(machine.take(machine.number("<I")))),
        b"U": _pushing(lambda machine: decode(machine.take(machine.number("<B")))),
        b"}": _pushing(lambda _: {}),
        b"]": _pushing(lambda _: []),
        b")": _pushing(lambda _: ()),
        b"t": _tuple,
        b"\x85": _tuple_of(1),
        b"\x86": _tuple_of(2),
        b"\x87": _tuple_of(3),
        b"a": _append,
        b"e": _appends,
        b"s": _set_item,
        b"u": _set_items,
        b"q": lambda machine: machine.memorise(machine.number("<B")),
        b"r": lambda machine: machine.memorise(machine.number("<I")),
        b"\x94": lambda machine: machine.memorise(len(machine.memo)),
        b"h": lambda machine: machine.recall(machine.number("<B")),
        b"j": lambda machine: machine.recall(machine.number("<I")),
        b"c": _global,
        b"\x93": _stack_global,
        b"R": _reduce,
        b"b": _build,
        b"Q": _persistent,
    }.items()
}
