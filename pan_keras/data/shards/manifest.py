"""The manifest of a folder of shards: classes, preprocessing, and digests of its files."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pan_keras.data.clip import SPLITS, checked_label
from pan_keras.errors import UserError
from pan_keras.files import read_text
from pan_keras.remote.addresses import address_of
from pan_keras.remote.cache import fetch, state_of
from pan_keras.remote.store import MissingObject
from pan_keras.video.shard_file import (
    MANIFEST,
    REMEDY,
    SUFFIX,
    VERSION,
    ShardFile,
    open_shard,
)

CHUNK = 1 << 20
CHECKING = "checking shards"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ShardEntry:
    """A shard as the manifest records it.

    Args:
        name: The ArrayRecord file.
        bytes: Its size.
        sha256: Its digest.
        list_sha256: Digest of the list of its clips, `NAME.json`.
    """

    name: str
    bytes: int
    sha256: str
    list_sha256: str


@dataclass(frozen=True)
class ShardManifest:
    """A folder of shards, from its file `shards.json`.

    Args:
        folder: The folder.
        source: The data set that the shards were made of.
        classes: Names of the classes in the order of their labels.
        split_origin: Origin of the split, as part of a sentence.
        preprocessing: Everything that determines the stored pixels, as `ShardEncoding.facts` says.
        plan: What the content of the shards follows from, besides the videos.
        shards: The shards in order.
        warnings: Warnings about the data set, as sentences.
    """

    folder: Path
    source: str
    classes: tuple[str, ...]
    split_origin: str
    preprocessing: Mapping[str, Any]
    plan: Mapping[str, Any]
    shards: tuple[ShardEntry, ...]
    warnings: tuple[str, ...] = ()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What a run records of the shards that it is trained on: preprocessing and digest."""
        content = [[shard.sha256, shard.list_sha256] for shard in self.shards]
        digest = hashlib.sha256(json.dumps([self.preprocessing, content]).encode())
        return {**self.preprocessing, "digest": digest.hexdigest()}

    def opened(self) -> list[ShardFile]:
        """Opens all shards, after a check of sizes and lists that reads no frame.

        Raises:
            UserError: If a shard is missing or has another size, or its list has changed.
        """
        return [self._opened(shard) for shard in self.shards]

    def check(self, progress: Progress | None = None) -> None:
        """Compares the content of every shard with its digest.

        Args:
            progress: Called with the task, the number of bytes done and the total.

        Raises:
            UserError: If shards are damaged; it names them.
        """
        total, done = sum(shard.bytes for shard in self.shards), 0
        wrong = []
        for shard in self.shards:
            self._opened(shard)
            digest = hashlib.sha256()
            path = self.folder / shard.name
            with (fetch(path) if address_of(path) else path).open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    done += len(chunk)
                    if progress is not None:
                        progress(CHECKING, done, total)
            if digest.hexdigest() != shard.sha256:
                wrong.append(shard.name)
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise UserError(
                f"{self.folder}: {len(wrong)} of {len(self.shards)} shards are damaged "
                f"({', '.join(wrong[:3])}{more}); {REMEDY}"
            )

    def write(self, file: Path) -> None:
        """Writes the manifest.

        Args:
            file: The file.
        """
        content = {
            "version": VERSION,
            "source": self.source,
            "classes": self.classes,
            "split_origin": self.split_origin,
            "preprocessing": self.preprocessing,
            "plan": self.plan,
            "shards": [vars(shard) for shard in self.shards],
            "warnings": self.warnings,
        }
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _opened(self, entry: ShardEntry) -> ShardFile:
        file = self.folder / entry.name
        for each, size in ((file, entry.bytes), (file.with_suffix(".json"), None)):
            found = _size(each)
            if found is None:
                raise UserError(f"{each}: is missing; {REMEDY}")
            if size not in (None, found):
                raise UserError(f"{each}: has {found} bytes instead of {size}; {REMEDY}")
        listed = hashlib.sha256(file.with_suffix(".json").read_bytes()).hexdigest()
        if listed != entry.list_sha256:
            raise UserError(f"{file.with_suffix('.json')}: has changed; {REMEDY}")
        return open_shard(file)


def read_manifest(folder: Path) -> ShardManifest:
    """Reads the manifest of a folder of shards.

    Args:
        folder: The folder.

    Raises:
        UserError: If it is damaged, or of another version.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(read_text(file))
        if content["version"] != VERSION:
            raise ValueError(f"it is of version {content['version']!r:.20}, not {VERSION}")
        found = ShardManifest(
            folder=folder,
            source=_text(content["source"]),
            classes=tuple(checked_label(_text(name), str(file)) for name in content["classes"]),
            split_origin=_text(content["split_origin"]),
            preprocessing=dict(content["preprocessing"]),
            plan=dict(content["plan"]),
            shards=tuple(_entry(row) for row in content["shards"]),
            warnings=tuple(_text(line) for line in content["warnings"]),
        )
        describe_pixels(found.preprocessing)
        if not found.shards or len(set(found.classes)) < len(found.classes):
            raise ValueError("it names no shards, or a class twice")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{file}: damaged ({str(error)[:100]}); {REMEDY}") from error
    return found


def describe_pixels(facts: Mapping[str, Any]) -> str:
    """Names the preprocessing of shards in a few words.

    Args:
        facts: As `ShardEncoding.facts` gives it.

    Example:
        >>> describe_pixels({"format": "jpeg", "quality": 95, "short_side": 256})
        'JPEG of quality 95, shorter side at most 256'
    """
    strength = (
        f"JPEG of quality {int(facts['quality'])}"
        if facts["format"] == "jpeg"
        else f"H.264 with CRF {int(facts['crf'])}"
    )
    side = int(facts["short_side"])
    return f"{strength}, shorter side at most {side}" if side else f"{strength}, full size"


def check_clips(manifest: ShardManifest, shards: Sequence[ShardFile]) -> None:
    """Checks that every clip has a class and a split of the data set, and its own path.

    Args:
        manifest: The manifest.
        shards: Its shards.

    Raises:
        UserError: If the lists contradict it.
    """
    seen: set[str] = set()
    for shard in shards:
        for clip in shard.clips:
            wrong = clip.label not in manifest.classes or clip.split not in SPLITS
            if wrong or clip.path in seen:
                raise UserError(
                    f"{shard.path.with_suffix('.json')}: {clip.path} has no class or split of "
                    f"{MANIFEST}, or is there twice; {REMEDY}"
                )
            seen.add(clip.path)


def _size(file: Path) -> int | None:
    try:
        return state_of(file).size if address_of(file) else file.stat().st_size
    except (OSError, MissingObject):
        return None


def _entry(row: Mapping[str, Any]) -> ShardEntry:
    name = _text(row["name"])
    if Path(name).name != name or not name.endswith(SUFFIX) or type(row["bytes"]) is not int:
        raise ValueError(f"a shard is {name!r:.50}")
    return ShardEntry(name, row["bytes"], _text(row["sha256"]), _text(row["list_sha256"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is not text")
    return value
