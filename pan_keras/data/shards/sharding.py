"""Makes shards of a data set: plans them, writes them in parallel, and resumes."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

from pan_keras.data.card import CARD, card_text
from pan_keras.data.data_checks import some
from pan_keras.data.inspection import Progress, ProgressLines, ReadClips
from pan_keras.data.official_folds import checked_fold
from pan_keras.data.opening import open_data
from pan_keras.data.roots import data_root, relative
from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.data.shards.manifest import ShardEntry, ShardManifest, read_manifest
from pan_keras.data.shards.opening import require_array_record
from pan_keras.data.shards.writing import (
    PlannedClip,
    PlannedShard,
    ShardingStopped,
    finished_shard,
    write_shard,
)
from pan_keras.data.video_data import VideoData
from pan_keras.errors import Interrupted, UserError
from pan_keras.files import make_folder, replacing
from pan_keras.lock import HOLDER, locked
from pan_keras.stopping import StopRequest
from pan_keras.video import clip_bytes
from pan_keras.video.shard_file import MANIFEST, SUFFIX, ShardFile, is_shard_folder

PLAN = ".plan.json"
LOCK = ".lock"
WHAT = "writing shards"
SECONDS = 0.2  # between two looks at a request to stop
# Of shards, their folder, the encoding, what to call with the number of clips done, and whether to
# stop, makes the shards with their numbers, as they are written.
WriteShards = Callable[
    [Sequence[PlannedShard], Path, ShardEncoding, Callable[[int], None], Callable[[], bool]],
    Iterator[tuple[int, ShardFile]],
]


def shard_data(
    source: str | Path,
    output: str | Path,
    root: str | Path | None = None,
    *,
    encoding: ShardEncoding | None = None,
    clips_per_shard: int = 256,
    workers: int | None = None,
    fold: int | None = None,
    split_seed: int = 0,
    max_broken: float = 0.05,
    progress: Progress | None = None,
    read: ReadClips | None = None,
    write: WriteShards | None = None,
) -> ShardManifest:
    """Stores a data set as shards, which are read faster than videos at the size of training.

    The result is a data set itself: `open_data(output)`. It has the classes, splits and card of the
    source. Which clips a shard holds follows from the list of clips alone, and the content of a
    shard from its clips, so that the files are the same for every number of workers, and after
    interruptions. A call with the same arguments continues an interrupted one.

    Args:
        source: As for `open_data`.
        output: The folder to write: a new or empty one, or one that an interrupted call has left.
        root: As for `open_data`.
        encoding: How frames are stored; by default JPEG of quality 95, scaled to a shorter side of
            256 pixels where it is longer.
        clips_per_shard: Clips per file.
        workers: Shards written at a time; by default the number of processors.
        fold: As for `open_data`; clips that the fold does not use are not stored.
        split_seed: As for `open_data`.
        max_broken: Fraction of broken clips above which no data set is made.
        progress: Called with the task, the number of clips done and the total.
        read: As for `open_data`.
        write: Writes shards, such as `pan_keras.cluster.ShardTasks`; by default in `workers`
            threads of this process.

    Returns:
        The manifest.

    Raises:
        UserError: If the data cannot be opened, too many clips are broken, the folder holds
            something else, or the disk is full.
        ModuleNotFoundError: If array-record is not installed.
        Interrupted: After Ctrl-C or SIGTERM; finished shards are kept.

    Example:
        >>> manifest = shard_data("videos", "shards", clips_per_shard=16)
        >>> [shard.name for shard in manifest.shards]
        ['00000.arrayrecord', '00001.arrayrecord', '00002.arrayrecord']
    """
    require_array_record()
    encoding = encoding or ShardEncoding()
    if clips_per_shard < 1:
        raise UserError(f"clips_per_shard is {clips_per_shard}; it must be 1 or more")
    progress = progress or ProgressLines()
    output = Path(output).expanduser()
    if is_shard_folder(Path(source).expanduser()):
        raise UserError(f"{source}: holds shards already; make shards of the videos themselves")
    data = open_data(
        source,
        root,
        fold=fold,
        split_seed=split_seed,
        max_broken=max_broken,
        progress=progress,
        read=read,
    )
    fold = checked_fold(data.card, fold)
    shards = plan_shards(data, data_root(source, root), clips_per_shard)
    plan = {**_plan_facts(shards, encoding, clips_per_shard), "fold": fold}
    _prepare_folder(output)
    with locked(output / LOCK, str(output)):
        if is_shard_folder(output):
            manifest = read_manifest(output)
            _refuse_other(output, manifest.plan, plan)
            manifest.opened()
            return manifest
        _begin(output, plan)
        write = write or partial(_in_threads, workers or os.cpu_count() or 1)
        written = _write_all(shards, output, encoding, write, progress)
        manifest = _manifest(output, data, encoding, plan, written)
        _refuse_broken(data, shards, written, max_broken)
        if data.card is not None:
            with replacing(output / CARD) as temporary:
                temporary.write_text(card_text(source), encoding="utf-8")
        with replacing(output / MANIFEST) as temporary:
            manifest.write(temporary)
        (output / PLAN).unlink(missing_ok=True)
    return manifest


def plan_shards(data: VideoData, root: Path, clips_per_shard: int) -> list[PlannedShard]:
    """Distributes clips over shards, in the order of their paths.

    Args:
        data: The data set.
        root: Folder that paths are relative to.
        clips_per_shard: Clips per shard; the last may have fewer.

    Raises:
        UserError: If two clips have the same path below the root.
    """
    clips: dict[str, PlannedClip] = {}
    for clip in data.all_clips:
        path = relative(Path(os.path.abspath(clip.path)), root).lstrip("/")  # noqa: PTH100
        if path in clips:
            raise UserError(f"{clip.path}: {clips[path].source} has the same name; rename one")
        clips[path] = PlannedClip(
            source=clip.path,
            path=path,
            label=data.classes[clip.label],
            split=clip.split,
            rate=data.infos[clip.path].rate,
            bytes=clip_bytes(clip.path) or 0,
            columns=dict(data.columns.get(clip.path, {})),
        )
    every = tuple(clips.values())
    starts = range(0, len(every), clips_per_shard)
    return [
        PlannedShard(number, every[start : start + clips_per_shard])
        for number, start in enumerate(starts)
    ]


def _plan_facts(
    shards: Sequence[PlannedShard], encoding: ShardEncoding, clips_per_shard: int
) -> dict[str, Any]:
    """Everything that the shards follow from, to recognise an interrupted call."""
    clips = [astuple(clip)[1:] for shard in shards for clip in shard.clips]
    return {
        **encoding.facts(),
        "clips_per_shard": clips_per_shard,
        "clips": len(clips),
        "list_of_clips": hashlib.sha256(json.dumps(clips).encode()).hexdigest(),
    }


def _prepare_folder(output: Path) -> None:
    """Creates the folder, and refuses one that holds anything but shards."""
    make_folder(output)
    ours = (PLAN, LOCK, LOCK + HOLDER, MANIFEST, CARD)
    foreign = [
        file.name
        for file in output.iterdir()
        if file.name not in ours
        and file.suffix not in (SUFFIX, ".json")
        and not _is_unfinished(file)
        and not file.name.startswith(".clip_index")
    ]
    if foreign:
        raise UserError(f"{output}: holds {min(foreign)} already; name a new folder")
    if not is_shard_folder(output) and not (output / PLAN).is_file():
        left = sorted(file.name for file in output.iterdir() if not file.name.startswith("."))
        if left:
            raise UserError(f"{output}: holds {left[0]} already; name a new folder")


def _is_unfinished(file: Path) -> bool:
    return file.name.startswith(".") and ".partial" in file.name


def _begin(output: Path, plan: dict[str, Any]) -> None:
    """Records the plan or compares it with the recorded one, and removes unfinished files."""
    file = output / PLAN
    if file.is_file():
        try:
            earlier = dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            earlier = {}
        _refuse_other(output, earlier, plan)
    _sweep(output)
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(plan), encoding="utf-8")


def _sweep(output: Path) -> None:
    """Removes unfinished files; nobody else writes here, since the folder is locked."""
    for each in filter(_is_unfinished, list(output.iterdir())):
        each.unlink(missing_ok=True)


def _refuse_other(output: Path, earlier: Any, plan: dict[str, Any]) -> None:
    for key, value in plan.items():
        if earlier.get(key) != value:
            what = (
                "a list of clips that has changed since"
                if key == "list_of_clips"
                else f"{key} {earlier.get(key)} instead of {value}"
            )
            raise UserError(
                f"{output}: holds shards made with {what}; name another folder, or remove this one"
            )


def _write_all(
    shards: Sequence[PlannedShard],
    output: Path,
    encoding: ShardEncoding,
    write: WriteShards,
    progress: Progress,
) -> list[ShardFile]:
    """Writes the shards that are missing; returns all in order."""
    written = {shard.number: finished_shard(shard, output) for shard in shards}
    missing = [shard for shard in shards if written[shard.number] is None]
    counter = _Counter(shards, missing, progress)
    try:
        with StopRequest() as stop:
            stopped = lambda: stop.signal is not None  # noqa: E731
            written |= write(missing, output, encoding, counter.step, stopped)
    finally:
        _sweep(output)  # what a killed process has left
    finished = [shard for shard in written.values() if shard is not None]
    if len(finished) < len(shards):
        raise Interrupted(
            f"{output}: stopped with {len(finished)} of {len(shards)} shards written; the same "
            "command continues",
            stop.signal or 2,
        )
    return finished


def _in_threads(
    workers: int,
    shards: Sequence[PlannedShard],
    output: Path,
    encoding: ShardEncoding,
    on_clips: Callable[[int], None],
    stopped: Callable[[], bool],
) -> Iterator[tuple[int, ShardFile]]:
    """Writes shards in threads of this process; decoding and compression release the GIL."""
    stopping = threading.Event()
    running: dict[Future[ShardFile], int] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="shards") as pool:
        try:
            for shard in shards:
                future = pool.submit(
                    write_shard,
                    shard,
                    output,
                    encoding,
                    on_clip=lambda: on_clips(1),
                    stopped=stopping.is_set,
                )
                running[future] = shard.number
            while running and not stopped():
                done, _ = wait(running, SECONDS, FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            stopping.set()
            for future in running:
                future.cancel()
    for future, number in running.items():
        if not future.cancelled():
            with suppress(ShardingStopped):
                yield number, future.result()


class _Counter:
    """Counts clips over all threads."""

    def __init__(
        self,
        shards: Sequence[PlannedShard],
        missing: Sequence[PlannedShard],
        progress: Callable[[str, int, int], None],
    ):
        self.total = sum(len(shard.clips) for shard in shards)
        self.done = self.total - sum(len(shard.clips) for shard in missing)
        self._progress = progress
        self._lock = threading.Lock()

    def step(self, clips: int) -> None:
        """So many clips are done."""
        with self._lock:
            self.done += clips
            self._progress(WHAT, self.done, self.total)


def _manifest(
    output: Path,
    data: VideoData,
    encoding: ShardEncoding,
    plan: dict[str, Any],
    written: Sequence[ShardFile],
) -> ShardManifest:
    left_out = [f"{file.path}: {file.reason}" for file in data.skipped]
    left_out += [f"{path}: {reason}" for shard in written for path, reason in shard.left_out]
    warnings = [*data.warnings]
    if left_out:
        warnings.append(
            f"{len(left_out)} broken clip{'s were' if len(left_out) > 1 else ' was'} left out when "
            f"the shards were made ({some(left_out)})"
        )
    return ShardManifest(
        folder=output,
        source=data.source,
        classes=data.classes,
        split_origin=data.split_origin,
        preprocessing=encoding.facts(),
        plan=plan,
        shards=tuple(_entry(shard) for shard in written),
        warnings=tuple(warnings),
    )


def _entry(shard: ShardFile) -> ShardEntry:
    listed = shard.path.with_suffix(".json").read_bytes()
    return ShardEntry(shard.path.name, shard.size, shard.digest, hashlib.sha256(listed).hexdigest())


def _refuse_broken(
    data: VideoData,
    shards: Sequence[PlannedShard],
    written: Sequence[ShardFile],
    max_broken: float,
) -> None:
    broken = [f"{path}: {reason}" for shard in written for path, reason in shard.left_out]
    total = sum(len(shard.clips) for shard in shards) + len(data.skipped)
    count = len(broken) + len(data.skipped)
    if broken and (count == total or count > max_broken * total):
        raise UserError(
            f"{data.source}: {count} of {total} clips are broken, more than the {max_broken:.0%} "
            f"allowed ({some(broken)}); fix or remove them, or allow more"
        )
