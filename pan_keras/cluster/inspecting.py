"""Reads clips of a data set as tasks of a Ray cluster."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pan_keras.cluster.connection import Cluster
from pan_keras.data.inspection import WHAT, ReadClip, read_clip

CLIPS = 32  # of one task


class InspectionTasks:
    """Reads the clips of a data set in tasks; the `read` of `open_data` and `prepare_dataset`.

    The results are written to the index by the process that asked for them.

    Args:
        cluster: The cluster.
        clips: Clips per task.

    Example:
        >>> with connect() as cluster:
        ...     data = open_data("videos", read=InspectionTasks(cluster))
    """

    def __init__(self, cluster: Cluster, clips: int = CLIPS):
        self.cluster = cluster
        self.clips = clips

    def __call__(self, paths: Sequence[Path]) -> Iterator[tuple[Path, ReadClip]]:
        """Reads clips.

        Args:
            paths: The clips, which all nodes see under the same path.

        Yields:
            Each clip with its properties or the reason why it is broken, as they come.
        """
        starts = range(0, len(paths), self.clips)
        chunks = [paths[start : start + self.clips] for start in starts]
        items = (([os.path.abspath(path) for path in chunk],) for chunk in chunks)  # noqa: PTH100
        for position, found in self.cluster.run(_read, items, what=WHAT):
            yield from zip(chunks[position], found, strict=True)


def _read(paths: list[str]) -> list[ReadClip]:
    """The task."""
    return [read_clip(Path(path)) for path in paths]
