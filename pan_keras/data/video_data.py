"""An opened data set: clips, splits and skipped files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.data.card import Card
from pan_keras.data.clip import SPLITS, Clip
from pan_keras.data.data_checks import identical_files
from pan_keras.errors import UserError
from pan_keras.video import VideoInfo
from pan_keras.video.picture_sizes import sizes_to_text


@dataclass(frozen=True)
class SkippedFile:
    """A file that was left out.

    Args:
        path: The file.
        reason: Reason, as part of a sentence.
        label: Class of the file.
        split: Split of the file.

    Example:
        >>> SkippedFile(Path("wave.mp4"), "the file is empty", "wave", "train").reason
        'the file is empty'
    """

    path: Path
    reason: str
    label: str = ""
    split: str = ""


@dataclass(frozen=True)
class VideoData:
    """Labelled clips and their splits, as returned by `open_data`.

    Args:
        source: The source that was opened.
        card: The card, if there is one.
        classes: Names of the classes in the order of their labels.
        all_clips: Clips of all splits.
        skipped: Broken files that were left out.
        infos: Frame count, frame rate and size of each clip.
        ignored: Counts of ignored items by kind.
        split_origin: Origin of the split, as part of a sentence.
        drawn: The split as CSV text, if it was drawn for this data set.
        warnings: Warnings to consider before training, as sentences.
        columns: Additional columns of each clip by lower-case name, from a CSV.
        shards: Preprocessing and digest of the shards that hold the clips; None for other data.

    Example:
        >>> data = open_data("videos")
        >>> len(data.clips("train")), len(data.classes)
        (32, 8)
        >>> data.report()["splits"], len(data.duplicates())
        ({'train': 32, 'val': 8, 'test': 8}, 0)
        >>> print(data.to_text().splitlines()[0])
        videos: 48 clips, split drawn with seed 0
        >>> print(data.split_table().splitlines()[0])
        path,label,split,seed
    """

    source: str
    card: Card | None
    classes: tuple[str, ...]
    all_clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...]
    infos: Mapping[Path, VideoInfo]
    ignored: Mapping[str, int]
    split_origin: str
    drawn: str | None = None
    warnings: tuple[str, ...] = ()
    columns: Mapping[Path, Mapping[str, str]] = field(default_factory=dict)
    shards: Mapping[str, Any] | None = None

    def clips(self, split: str) -> tuple[Clip, ...]:
        """Returns the clips of one split, sorted by path; empty if the data have no such split.

        Args:
            split: `"train"`, `"val"` or `"test"`.

        Returns:
            The clips.

        Raises:
            UserError: If the name is not that of a split.
        """
        if split not in SPLITS:
            raise UserError(f"split: {split!r} is not one of {', '.join(SPLITS)}")
        return self._by_split[split]

    def split_table(self) -> str | None:
        """Returns the split as CSV text, to be stored beside the data.

        Returns:
            Columns path, label, split, seed; None unless the split was drawn for this data set.
        """
        return self.drawn

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Returns the displayed width and height of each clip."""
        return [(info.width, info.height) for info in self.infos.values()]

    def report(self) -> dict[str, Any]:
        """Summarises the data set, in types that JSON supports.

        Returns:
            Counts per class and split, ranges of frame count and rate, sizes, files left out.
        """
        counts = Counter((clip.label, clip.split) for clip in self.all_clips)
        infos = list(self.infos.values())
        return {
            "source": self.source,
            "card": self.card.name if self.card else None,
            "clips": len(self.all_clips),
            "splits": {split: len(self.clips(split)) for split in SPLITS},
            "split_origin": self.split_origin,
            "classes": {
                name: {split: counts[label, split] for split in SPLITS}
                for label, name in enumerate(self.classes)
            },
            "frames": _range([info.frames for info in infos]),
            "frame_rate": _range([info.rate for info in infos]),
            "sizes": dict(Counter(f"{w}x{h}" for w, h in self.sizes).most_common()),
            "skipped": [{"path": str(s.path), "reason": s.reason} for s in self.skipped],
            "ignored": dict(self.ignored),
            "warnings": list(self.warnings),
            **({"shards": dict(self.shards)} if self.shards is not None else {}),
        }

    def duplicates(self) -> list[tuple[Clip, ...]]:
        """Finds clips with identical content, across splits and classes.

        Returns:
            Groups of two or more.
        """
        clips = {clip.path: clip for clip in self.all_clips}
        return [tuple(clips[path] for path in group) for group in identical_files(clips)]

    def to_text(self) -> str:
        """Returns the report as text.

        Returns:
            Several lines.
        """
        report = self.report()
        width = max(map(len, (*self.classes, "class")))
        lines = [
            f"{report['source']}: {report['clips']} clips, split {report['split_origin']}",
            f"{'class':<{width}}" + "".join(f"{split:>7}" for split in SPLITS),
        ]
        for name, counts in (*report["classes"].items(), ("all", report["splits"])):
            lines.append(f"{name:<{width}}" + "".join(f"{counts[split]:>7}" for split in SPLITS))
        for key, unit in (("frames", "frames per clip"), ("frame_rate", "frames per second")):
            found = report[key]
            lines.append(
                f"{unit}: {found['min']:g} to {found['max']:g}, median {found['median']:g}"
            )
        lines.append(f"sizes: {sizes_to_text(self.sizes)}")
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += [f"ignored: {count} {what}" for what, count in self.ignored.items()]
        lines += [f"left out: {skipped.path}: {skipped.reason}" for skipped in self.skipped]
        return "\n".join(lines)

    @cached_property
    def _by_split(self) -> dict[str, tuple[Clip, ...]]:
        return {s: tuple(clip for clip in self.all_clips if clip.split == s) for s in SPLITS}


def _range(values: Sequence[float]) -> dict[str, float]:
    smallest, median, largest = np.percentile(values, (0, 50, 100))
    return {
        "min": round(float(smallest), 3),
        "median": round(float(median), 3),
        "max": round(float(largest), 3),
    }
