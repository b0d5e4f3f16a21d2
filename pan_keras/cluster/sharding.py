"""Writes shards as tasks of a Ray cluster."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pan_keras.cluster.connection import PATIENCE, Cluster
from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.data.shards.sharding import PLAN, WHAT
from pan_keras.data.shards.writing import PlannedShard, finished_shard, write_shard
from pan_keras.errors import UserError
from pan_keras.video.shard_file import ShardFile

CLIP = 60.0  # seconds that a clip of a shard may take, on top of the usual patience


class ShardTasks:
    """Writes each shard as one task; the `write` of `shard_data`.

    A task rather than Ray Data: a shard is a file that a task writes where all nodes see it, so
    that there are no rows to move, and a task is what Ray runs again if its process or machine is
    lost. A broken clip is not an error of a task, but listed in its shard.

    Args:
        cluster: The cluster.
        at_a_time: Shards written at a time; by default one per processor.

    Raises:
        UserError: If a node does not see the folder of the shards, or the disk is full.

    Example:
        >>> with connect() as cluster:
        ...     manifest = shard_data("videos", "shards", write=ShardTasks(cluster))
    """

    def __init__(self, cluster: Cluster, at_a_time: int | None = None):
        self.cluster = cluster
        self.at_a_time = at_a_time or cluster.processors

    def __call__(
        self,
        shards: Sequence[PlannedShard],
        folder: Path,
        encoding: ShardEncoding,
        on_clips: Callable[[int], None],
        stopped: Callable[[], bool],
    ) -> Iterator[tuple[int, ShardFile]]:
        """Writes shards.

        Args:
            shards: The shards.
            folder: Their folder, which all nodes see under the same path.
            encoding: How frames are stored.
            on_clips: Called with the number of clips of each written shard.
            stopped: Whether to stop.

        Yields:
            Number of each shard, and the shard, as they are written.

        Raises:
            UserError: If the disk is full, or a node does not see the folder.
        """
        place = os.path.abspath(folder)  # noqa: PTH100 (keeps links)
        items = ((_absolute(shard), place, encoding) for shard in shards)
        patience = PATIENCE + CLIP * max((len(shard.clips) for shard in shards), default=0)
        for position, host in self.cluster.run(
            _write,
            items,
            what=WHAT,
            at_a_time=self.at_a_time,
            stopped=stopped,
            patience=patience,
        ):
            shard = shards[position]
            written = finished_shard(shard, folder)
            if written is None:
                raise UserError(
                    f"{folder / shard.name}: written by {host}, and not here; name a folder on "
                    "storage that all nodes share"
                )
            on_clips(len(shard.clips))
            yield shard.number, written


def _absolute(shard: PlannedShard) -> PlannedShard:
    clips = (
        replace(clip, source=Path(os.path.abspath(clip.source)))  # noqa: PTH100 (keeps links)
        for clip in shard.clips
    )
    return replace(shard, clips=tuple(clips))


def _write(shard: PlannedShard, folder: str, encoding: ShardEncoding) -> str:
    """The task; returns the host that ran it."""
    host = socket.gethostname()
    if not (Path(folder) / PLAN).is_file():
        raise UserError(
            f"{folder}: {host} does not see this folder; name one on storage that all nodes share"
        )
    write_shard(shard, Path(folder), encoding)
    return host
