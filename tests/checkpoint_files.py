"""Handmade checkpoints, valid and invalid."""

import io
import math
import pickle
import struct
import zipfile

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"long": 4}}


def plain(value):
    """Operations that push a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def call(function, *arguments):
    """Operations that call `module.name` with arguments, each given as operations."""
    module, _, name = function.rpartition(".")
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def storage(key="0", count=4, kind="FloatStorage"):
    """Operations that push a storage."""
    content = plain("storage") + f"ctorch\n{kind}\n".encode() + plain(key) + plain("cpu")
    return b"(" + content + plain(count) + b"tQ"


def tensor(shape=(4,), strides=(1,), offset=0, of=None):
    """Operations that push a tensor; shape, strides and offset as values or as operations."""
    parts = [part if isinstance(part, bytes) else plain(part) for part in (offset, shape, strides)]
    return call("torch._utils._rebuild_tensor_v2", of or storage(), *parts, b"\x89N")


def state(*tensors):
    """A pickle of a dict of tensors."""
    items = b"".join(plain(f"weight{n}") + each for n, each in enumerate(tensors))
    return b"\x80\x02}(" + items + b"u."


def legacy(program, storages=(("0", 4),), system=SYSTEM, end=b""):
    """A file in the format before PyTorch 1.6; storages are keys and counts of float32 zeros."""
    heads = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, system))
    keys = pickle.dumps([key for key, _ in storages], 2)
    numbers = b"".join(struct.pack("<q", count) + bytes(4 * count) for _, count in storages)
    return heads + program + keys + numbers + end


def archive(entries, compression=zipfile.ZIP_STORED):
    """A zip file; entries are names and bytes, in order, and names may repeat."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, content in entries:
            target.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()


def torch_zip(program, *entries, order=b"little"):
    """A file of 1.6 or later."""
    return archive([("a/data.pkl", program), ("a/byteorder", order), *entries])


def npy(array=None, header=None):
    """A `.npy`, with another header if one is given."""
    file = io.BytesIO()
    np.save(file, np.zeros(4, "float32") if array is None else array)
    content = file.getvalue()
    if header is None:
        return content
    return content[:8] + struct.pack("<H", len(header)) + header + content[128:]


def safetensors(header, numbers=bytes(16)):
    """A safetensors file with a header as text."""
    return struct.pack("<Q", len(header)) + header.encode() + numbers


def weights_like(keys, seed=0):
    """A state_dict of the shapes of a key list, with activations of about 1 in every layer."""
    rng = np.random.default_rng(seed)
    state = {}
    for key, shape, *_ in keys:
        end = key.rpartition(".")[2]
        if end == "num_batches_tracked":
            state[key] = np.int64(1000)
        elif end == "running_var":
            state[key] = rng.uniform(0.5, 1.5, shape).astype("float32")
        elif end == "weight" and len(shape) == 1:
            state[key] = rng.uniform(0.3, 0.7, shape).astype("float32")
        else:
            spread = math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.1
            state[key] = rng.normal(0, spread, shape).astype("float32")
    return state


def training_checkpoint(state):
    """What the authors' training saves: weights of parallel devices, and their momentum."""
    momentum = {n: np.zeros_like(array) for n, array in enumerate(state.values()) if array.ndim}
    arrays = [*state.values(), *momentum.values()]
    tensors = iter([_whole_tensor(str(number), array) for number, array in enumerate(arrays)])
    weights = b"".join(plain(f"module.{key}") + next(tensors) for key in state)
    buffers = b"".join(
        plain(number) + b"}" + plain("momentum_buffer") + next(tensors) + b"s"
        for number in momentum
    )
    optimizer = b"}" + plain("state") + b"}(" + buffers + b"us"
    program = b"\x80\x02}(" + plain("epoch") + plain(80)
    program += plain("state_dict") + call("collections.OrderedDict") + b"(" + weights + b"u"
    program += plain("optimizer") + optimizer + b"u."
    numbers = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in arrays)
    keys = pickle.dumps([str(number) for number in range(len(arrays))], 2)
    return (
        b"".join(pickle.dumps(v, 2) for v in (MAGIC, PROTOCOL, SYSTEM)) + program + keys + numbers
    )


def _whole_tensor(key, array):
    kind = "LongStorage" if array.dtype == "int64" else "FloatStorage"
    strides = tuple(math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim))
    return tensor(array.shape, strides, of=storage(key, array.size, kind))
