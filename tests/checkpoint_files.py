"""Checkpoints made by hand, good ones and bad ones."""

import io
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
    """A file of before 1.6; storages are keys and counts of float32 zeros."""
    heads = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, system))
    keys = pickle.dumps([key for key, _ in storages], 2)
    numbers = b"".join(struct.pack("<q", count) + bytes(4 * count) for _, count in storages)
    return heads + program + keys + numbers + end


def archive(entries, compression=zipfile.ZIP_STORED):
    """A zip file; entries are names and bytes, in order, and a name may come twice."""
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
