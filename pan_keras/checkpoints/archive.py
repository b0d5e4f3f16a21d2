"""Reads zip archives whose entries are validated before they are read."""

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from pan_keras.errors import CheckpointError

LOCAL_HEADER = struct.Struct("<4s22xHH")
ENCRYPTED = 0x1
# Limits of the unpacked size: a multiple of the file's size, plus an allowance, since arrays of
# zeros compress well.
MOST_GROWTH = 20
MOST_ANYWAY = 1 << 26
DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    OSError,
    struct.error,
    zlib.error,
)


class Archive:
    """The entries of a zip file.

    Args:
        data: The whole file.

    Attributes:
        entries: Directory record of each entry, by name.

    Raises:
        CheckpointError: If the file is damaged, has unsafe or duplicate entry names, or would
            unpack to far more than its own size.
    """

    def __init__(self, data: memoryview):
        self.data = data
        try:
            self._archive = zipfile.ZipFile(_Reader(data))
        except DAMAGE as error:
            raise CheckpointError(f"its zip directory is damaged ({error})") from None
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for info in self._archive.infolist():
            _check(info)
            if info.filename in self.entries:
                raise CheckpointError(f"its zip directory has {info.filename!r} twice")
            self.entries[info.filename] = info
        unpacked = sum(info.file_size for info in self.entries.values())
        if unpacked > MOST_GROWTH * len(data) + MOST_ANYWAY:
            raise CheckpointError(f"it would unpack from {len(data):,} to {unpacked:,} bytes")

    def stored(self, name: str) -> memoryview:
        """Returns an uncompressed entry as a view of the file.

        Raises:
            CheckpointError: If the entry is missing, compressed or damaged.
        """
        info = self._info(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise CheckpointError(f"its entry {name!r} is compressed, which PyTorch never does")
        start = self._start(info)
        content = self.data[start : start + info.file_size]
        if len(content) != info.file_size:
            raise CheckpointError(f"it ends in the middle of {name!r}")
        if zlib.crc32(content) != info.CRC:
            raise CheckpointError(f"its entry {name!r} is damaged (the checksum differs)")
        return content

    def read(self, name: str) -> memoryview:
        """Returns the content of an entry, compressed or not.

        Raises:
            CheckpointError: If the entry is missing or damaged.
        """
        info = self._info(name)
        if info.compress_type == zipfile.ZIP_STORED:
            return self.stored(name)
        try:
            content = self._archive.read(info)
        except DAMAGE as error:
            raise CheckpointError(f"its entry {name!r} is damaged ({error})") from None
        if len(content) != info.file_size:
            raise CheckpointError(f"its entry {name!r} is shorter than the directory says")
        return memoryview(content)

    def _info(self, name: str) -> zipfile.ZipInfo:
        if name not in self.entries:
            raise CheckpointError(f"its entry {name!r} is missing")
        return self.entries[name]

    def _start(self, info: zipfile.ZipInfo) -> int:
        end = info.header_offset + LOCAL_HEADER.size
        if info.header_offset < 0 or end > len(self.data):
            raise CheckpointError(f"its entry {info.filename!r} lies outside the file")
        signature, name, extra = LOCAL_HEADER.unpack(self.data[info.header_offset : end])
        written = bytes(self.data[end : end + name])
        if signature != b"PK\x03\x04" or written != info.orig_filename.encode():
            raise CheckpointError(f"its entry {info.filename!r} is not where the directory says")
        return end + name + extra


def _check(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in name:
        raise CheckpointError(f"its zip directory has the name {name!r}, which points outside it")
    if info.flag_bits & ENCRYPTED:
        raise CheckpointError(f"its entry {name!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CheckpointError(f"its entry {name!r} is compressed in an unusual way")


class _Reader(io.RawIOBase):
    """A file object over mapped bytes, without a copy."""

    def __init__(self, data: memoryview):
        self._data = data
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise OSError("before the start of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        end = len(self._data) if size is None or size < 0 else self._position + size
        content = bytes(self._data[self._position : end])
        self._position += len(content)
        return content
