"""Hostile checkpoints are refused in one sentence, and no code in them is executed."""

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from checkpoint_files import (
    SYSTEM,
    archive,
    call,
    legacy,
    npy,
    plain,
    safetensors,
    state,
    storage,
    tensor,
    torch_zip,
)

from pan_keras.checkpoints import read_state_dict
from pan_keras.errors import UserError

TERABYTE = 1 << 40
NUMBERS = ("a/data/0", bytes(16))
# Nested pairs that expand to 2 ** 60 references to one object ("billion laughs").
LAUGHS = b"K\x01" + b"q\x00h\x00\x86" * 60
ENTRY = '{"a":{"dtype":"F32","shape":%s,"data_offsets":%s}}'


def program(operations):
    return legacy(b"\x80\x02" + operations + b".", storages=())


def renamed(name):
    """A zip file with `a/data/0` renamed in the entry and in the directory."""
    return torch_zip(state(tensor()), NUMBERS).replace(b"a/data/0", name)


def flagged(bit):
    content = bytearray(torch_zip(state(tensor()), NUMBERS))
    content[content.index(b"PK\x01\x02") + 8] |= bit
    return bytes(content)


def damaged_numbers():
    content = torch_zip(state(tensor()), ("a/data/0", b"0123456789abcdef"))
    return content.replace(b"0123456789abcdef", b"0123456789abcdeg")


def twice():
    with pytest.warns(UserWarning, match="Duplicate name"):
        return torch_zip(state(tensor()), NUMBERS, NUMBERS)


RUN = plain("touch ran")
CALLS = {
    "REDUCE": (call("os.system", RUN), r"'os\.system'"),
    "REDUCE under its other name": (call("posix.system", RUN), r"'posix\.system'"),
    "REDUCE of eval": (call("builtins.eval", RUN), "eval"),
    "REDUCE of a python 2 builtin": (call("__builtin__.getattr", RUN, RUN), "getattr"),
    "a pickle in the pickle": (call("pickle.loads", RUN), r"'pickle\.loads'"),
    "torch's own loader": (call("torch.load", RUN), r"'torch\.load'"),
    "a module": (call("torch.nn.Linear"), "Linear"),
    "a numpy scalar": (call("numpy.core.multiarray.scalar"), "scalar"),
    "INST": (b"(" + RUN + b"ios\nsystem\n", "INST"),
    "OBJ": (b"(ccollections\nOrderedDict\no", "OBJ"),
    "NEWOBJ": (b"ccollections\nOrderedDict\n)\x81", "NEWOBJ"),
    "NEWOBJ_EX": (b"ccollections\nOrderedDict\n)}\x92", "NEWOBJ_EX"),
    "EXT1": (b"\x82\x01", "EXT1"),
    "PERSID": (b"P0\n", "PERSID"),
    "STACK_GLOBAL": (b"\x8c\x02os\x8c\x06system\x93", r"'os\.system'"),
    "STACK_GLOBAL through an attribute": (
        b"\x8c\x0bcollections\x8c\x20OrderedDict.__init__.__globals__\x93",
        "__globals__",
    ),
    "STACK_GLOBAL of something other than text": (b"K\x01K\x02\x93", "not text"),
    "BUILD on a function": (b"ctorch._utils\n_rebuild_tensor_v2\n}b", "fills"),
    "BUILD on a plain dict": (b"}}b", "fills something other than OrderedDict"),
    "BUILD with a state that is no dict": (b"ccollections\nOrderedDict\n)RK\x01b", "state"),
    "a call of a type": (b"ctorch\nFloatStorage\n)R", "calls an object of type ElementType"),
    "a call without a tuple": (b"ccollections\nOrderedDict\nK\x01R", "without a tuple"),
    "an OrderedDict of no pairs": (call("collections.OrderedDict", plain([1])), "other than pairs"),
    "a name without an end": (b"c" + b"a" * 300, "does not end"),
    "text that is not UTF-8": (b"\x8c\x01\xff", "UTF-8"),
    "protocol 9": (b"\x80\x09", "protocol 9"),
}
BOMBS = {
    "text of 4 GB": (b"X\xff\xff\xff\xffabc", "ends in the middle"),
    "a memo that was never filled": (b"j\xff\xff\xff\xff", "never stored"),
    "an empty stack": (b"a", "removes more objects"),
    "no mark": (b"u", "lacks a mark"),
    "operations without end": (b"N" * 1_000_001, "more than 1,000,000 operations"),
    "lists in lists": (b"]" * 200_000 + b"a" * 199_999, "list instead of a state_dict"),
    "a key that takes for ever to hash": (b"}" + LAUGHS + b"Ns", "key of type tuple"),
    "a duplicate key": (b"}(" + plain("a") + b"N" + plain("a") + b"Nu", "'a' twice"),
    "a key without a value": (b"}(K\x01u", "without a value"),
    "a shape that takes for ever to print": (tensor(shape=LAUGHS), "shape"),
    "a storage that takes for ever to print": (LAUGHS + b"Q", "not a storage"),
}
CLAIMS = {
    "a storage of 1 TB": (tensor((TERABYTE,), of=storage(count=TERABYTE)), ("0", 4), "1 TB|ends"),
    "a tensor of 1 TB over four numbers": (
        tensor((TERABYTE,), (0,)),
        ("0", 4),
        "in a storage of 4",
    ),
    "strides beyond the storage": (tensor((2, 2), (3, 1)), ("0", 4), "in a storage of 4"),
    "an offset beyond the storage": (tensor((2,), (1,), offset=3), ("0", 4), "in a storage of 4"),
    "a negative offset": (tensor(offset=-1), ("0", 4), "storage of 4"),
    "a negative stride": (tensor(strides=(-1,)), ("0", 4), "invalid shape"),
    "more axes than there are": (tensor((1,) * 9, (1,) * 9), ("0", 4), "invalid shape"),
    "a count that is not a number": (tensor(of=storage(count="4")), ("0", 4), "unknown way"),
    "a type that is none": (tensor(of=storage(kind="HalfStorage")), ("0", 4), "ends|numbers|after"),
    "no storage": (tensor(of=plain(1)), ("0", 4), "without a storage"),
    "another count than the pickle's": (tensor(), ("0", 5), "has 5 numbers, not 4"),
    "another key than the pickle's": (tensor(), ("1", 4), "does not fit its tensors"),
}
FILES = {
    "nothing": (b"", "not a file of torch.save"),
    "text": (b"epoch,loss\n1,0.3\n", "not a file of torch.save"),
    "a pickle of something else": (b"\x80\x02K\x01.", "not from torch.save"),
    "a storage twice": (legacy(state(tensor()), (("0", 4), ("0", 4))), "does not fit"),
    "bytes after the end": (legacy(state(tensor()), end=b"more"), "4 bytes after its end"),
    "the other end first": (
        legacy(state(tensor()), system={**SYSTEM, "little_endian": False}),
        "big-endian",
    ),
    "one storage in two ways": (
        legacy(state(tensor(), tensor(of=storage(count=2)))),
        "in two ways",
    ),
    "many views of one storage": (
        legacy(state(*[tensor((4000,), of=storage(count=4000))] * 200), (("0", 4000),)),
        "larger together than the file",
    ),
    "an object that is no state_dict": (
        legacy(b"\x80\x02K\x01.", ()),
        "int instead of a state_dict",
    ),
    "zip: no pickle": (archive([("a/version", b"3")]), "0 entries data.pkl"),
    "zip: two pickles": (
        archive([("a/data.pkl", b""), ("b/data.pkl", b"")]),
        "2 entries data.pkl",
    ),
    "zip: a call": (torch_zip(b"\x80\x02" + call("os.system", RUN) + b"."), r"'os\.system'"),
    "zip: the other end first": (torch_zip(state(tensor()), NUMBERS, order=b"big"), "big-endian"),
    "zip: a pickle that goes on": (torch_zip(state(tensor()) + b"N.", NUMBERS), "goes on"),
    "zip: a path upwards": (renamed(b"../ta/00"), "points outside"),
    "zip: a path from the root": (renamed(b"/data/00"), "points outside"),
    "zip: a path with a drive": (renamed(b"c:\\ta/00"), "points outside"),
    "zip: a storage is missing": (torch_zip(state(tensor())), "missing"),
    "zip: a storage is short": (
        torch_zip(state(tensor()), ("a/data/0", bytes(8))),
        "8 bytes long; it must have 16",
    ),
    "zip: a storage of 1 TB": (
        torch_zip(state(tensor((TERABYTE,), of=storage(count=TERABYTE))), NUMBERS),
        "must have",
    ),
    "zip: damaged numbers": (damaged_numbers(), "checksum"),
    "zip: encrypted": (flagged(1), "encrypted"),
    "zip: compressed": (
        archive([("a/data.pkl", state(tensor())), NUMBERS], zipfile.ZIP_DEFLATED),
        "compressed",
    ),
    "zip: only the beginning": (torch_zip(state(tensor()), NUMBERS)[:200], "directory is damaged"),
    "npz: a bomb": (
        archive([("a.npy", bytes(70_000_000))], zipfile.ZIP_DEFLATED),
        "would unpack from",
    ),
    "npz: objects": (archive([("a.npy", npy(np.array([{}], object)))]), "'|O'|objects"),
    "npz: wrong endianness": (archive([("a.npy", npy(np.zeros(4, ">f4")))]), "little-endian"),
    "npz: a header that is code": (
        archive([("a.npy", npy(header=b"__import__('os').system('touch ran')"))]),
        "damaged",
    ),
    "npz: a header of 1 TB": (
        archive(
            [
                (
                    "a.npy",
                    npy(
                        header=b"{'descr': '<f4', 'fortran_order': False, "
                        b"'shape': (1099511627776,), }"
                    ),
                )
            ]
        ),
        "do not make",
    ),
    "npz: something else inside": (archive([("a.npy", npy()), ("b.txt", b"")]), "not an array"),
    "safetensors: a header of 8 EB": (struct.pack("<Q", 1 << 63) + b'{"a":', "header would take"),
    "safetensors: lists in lists": (safetensors('{"a":' + "[" * 100_000), "header is damaged"),
    "safetensors: a name twice": (safetensors('{"a":1,"a":2}'), "twice"),
    "safetensors: no tensor": (safetensors('{"a":1}'), "does not describe 'a'"),
    "safetensors: 1 TB": (safetensors(ENTRY % ("[1099511627776]", "[0,16]")), "do not make"),
    "safetensors: beyond the end": (safetensors(ENTRY % ("[8]", "[0,32]")), "outside"),
    "safetensors: backwards": (safetensors(ENTRY % ("[4]", "[16,0]")), "outside"),
    "safetensors: a gap": (safetensors(ENTRY % ("[2]", "[8,16]")), "gap"),
    "safetensors: numbers left over": (safetensors(ENTRY % ("[2]", "[0,8]")), "8 bytes after"),
    "safetensors: an unknown type": (
        safetensors(ENTRY.replace("F32", "F8") % ("[16]", "[0,16]")),
        "unknown type",
    ),
    "safetensors: a shape without end": (
        safetensors(ENTRY % ("[" + "9," * 100_000 + "9]", "[0,16]")),
        "impossible shape",
    ),
}


def refuse(content, message, folder, monkeypatch):
    monkeypatch.chdir(folder)
    file = folder / "hostile.pth.tar"
    file.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=message) as refused:
            read_state_dict(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # At most a hundred bytes per operation.
    assert peak < 5_000_000 + 100 * len(content)
    assert str(refused.value).startswith(f"{file}: ")
    assert len(str(refused.value)) < 3000
    assert [path.name for path in folder.iterdir()] == [file.name]


@pytest.mark.parametrize("name", CALLS | BOMBS)
def test_a_pickle_with_forbidden_operations_is_refused(name, tmp_path, monkeypatch):
    operations, message = (CALLS | BOMBS)[name]
    refuse(program(operations), message, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_tensor_outside_its_storage_is_refused(name, tmp_path, monkeypatch):
    operations, stored, message = CLAIMS[name]
    refuse(legacy(state(operations), (stored,)), message, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", FILES)
def test_an_incomplete_file_is_refused(name, tmp_path, monkeypatch):
    content, message = FILES[name]
    refuse(content, message, tmp_path, monkeypatch)


def test_a_duplicate_zip_entry_is_refused(tmp_path, monkeypatch):
    refuse(twice(), "twice", tmp_path, monkeypatch)


def test_the_same_files_unaltered_are_read(tmp_path):
    file = tmp_path / "good"
    for content in (
        legacy(state(tensor(), tensor((2, 2), (2, 1)))),
        torch_zip(state(tensor(), tensor((2, 2), (2, 1))), NUMBERS),
        archive([("weight0.npy", npy()), ("weight1.npy", npy(np.zeros((2, 2), "float32")))]),
    ):
        file.write_bytes(content)
        read = read_state_dict(file)
        assert {key: array.shape for key, array in read.items()} == {
            "weight0": (4,),
            "weight1": (2, 2),
        }
    file.write_bytes(safetensors(ENTRY % ("[4]", "[0,16]")))
    assert read_state_dict(file)["a"].tolist() == [0, 0, 0, 0]
