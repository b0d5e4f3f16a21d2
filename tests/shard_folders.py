"""Shards of small videos for tests."""

import hashlib

from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.data.shards.sharding import shard_data


def quiet(*_):
    """A progress that shows nothing."""


def make_shards(source, folder, root=None, *, clips_per_shard=16, workers=2, **encoding):
    """Stores a data set as shards."""
    return shard_data(
        source,
        folder,
        root,
        encoding=ShardEncoding(**encoding),
        clips_per_shard=clips_per_shard,
        workers=workers,
        progress=quiet,
    )


def digests(folder):
    """Digest of every file that belongs to the shards, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if not file.name.startswith(".")
    }


def flip_byte(file, share=0.5):
    """Damages one byte of a file."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * share)] ^= 0xFF
    file.write_bytes(bytes(content))
