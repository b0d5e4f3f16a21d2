"""Prepares a published data set: finds and checks its clips, and writes the manifest."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pan_keras.data.card import Card, card_names, is_own_card, load_card
from pan_keras.data.clip import SPLITS
from pan_keras.data.data_checks import some
from pan_keras.data.inspection import Progress, ReadClips, inspect_clips
from pan_keras.data.layouts import read_layout
from pan_keras.data.layouts.members import Member, Members
from pan_keras.data.official_folds import CLASSES, fold_column
from pan_keras.data.preparation_record import (
    RECORD,
    record_text,
    refuse_other_classes,
    refuse_other_preparation,
)
from pan_keras.data.published_benchmark import PublishedBenchmark
from pan_keras.errors import UserError
from pan_keras.files import make_folder, replacing
from pan_keras.printable import is_text

PROBLEMS = "problems.csv"
UNLABELLED = "no label: it is not published"


@dataclass(frozen=True)
class ClipProblem:
    """A clip that is not in the manifest.

    Args:
        clip: Its name in the label files, or its path if no label file names it.
        label: Its class; empty if unknown.
        splits: Its split in each fold, or `unused`, separated by semicolons; empty if not listed.
        reason: Why it is left out: missing, broken, no label, found twice, or not listed.

    Example:
        >>> ClipProblem("12", "Thumb Up", "train", "missing: not in 20bn-jester-v1").splits
        'train'
    """

    clip: str
    label: str
    splits: str
    reason: str


@dataclass(frozen=True)
class Preparation:
    """A prepared data set.

    Attributes:
        name: Name of the card.
        manifest: The CSV that lists the clips.
        classes: Class names in the official order.
        splits: Number of usable clips by split, for each fold; one without folds.
        problems: Clips that are left out, which `problems.csv` beside the manifest lists.
        warnings: Sentences without a full stop, such as on deviating numbers of clips.
        known: Number of clips that were checked before and are unchanged.

    Example:
        >>> splits = ({"train": 9537, "test": 3783},)
        >>> done = Preparation("ucf101", Path("ucf/manifest.csv"), ("Archery",), splits, (), (), 0)
        >>> done.to_json()["splits"], done.to_text().splitlines()[0]
        ([{'train': 9537, 'test': 3783}], 'ucf101: 1 classes; train 9537, test 3783')
    """

    name: str
    manifest: Path
    classes: tuple[str, ...]
    splits: tuple[Mapping[str, int], ...]
    problems: tuple[ClipProblem, ...]
    warnings: tuple[str, ...]
    known: int

    def to_json(self) -> dict[str, Any]:
        """Returns the result as a JSON object.

        Returns:
            Files, counts, problems and warnings.
        """
        return {
            "name": self.name,
            "manifest": str(self.manifest),
            "classes": len(self.classes),
            "splits": [dict(each) for each in self.splits],
            "problems": [asdict(problem) for problem in self.problems],
            "warnings": list(self.warnings),
            "known": self.known,
        }

    def to_text(self) -> str:
        """Returns the result as text.

        Returns:
            Several lines, the last of which names the command that trains.
        """
        told = [
            ", ".join(f"{split} {count}" for split, count in each.items()) for each in self.splits
        ]
        if len(told) > 1:
            told = [f"fold {number}: {text}" for number, text in enumerate(told, 1)]
        lines = [f"{self.name}: {len(self.classes)} classes; {'; '.join(told)}"]
        lines += [f"warning: {warning}" for warning in self.warnings]
        if self.problems:
            kinds = Counter(problem.reason.partition(":")[0] for problem in self.problems)
            counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            lines.append(f"left out: {counts}; {self.manifest.with_name(PROBLEMS)} lists them")
        fold = " --fold 1" if len(self.splits) > 1 else ""
        lines.append(
            f"next: pan-keras train {self.name} --root {self.manifest.parent}{fold} --run runs/NAME"
        )
        return "\n".join(lines)


def prepare_dataset(
    name: str | Path,
    source: str | Path,
    output: str | Path,
    *,
    progress: Progress | None = None,
    read: ReadClips | None = None,
) -> Preparation:
    """Finds the clips of a published data set, checks each, and writes its manifest.

    The official label files decide class and split of every clip. Clips that are missing, broken or
    without a label, and clips that no label file names, are listed in `problems.csv` and are in no
    split. Checked clips are kept in the index on disk (`ClipIndex`): the call can be interrupted at
    any time, and the next one continues and checks only new and changed clips.

    Args:
        name: A card with a benchmark, such as `"ucf101"`, or the path of one of your own.
        source: Folder with the unpacked files, as the authors distribute them.
        output: Folder for `manifest.csv`, `classes.txt`, `problems.csv` and `prepared.json`, which
            is the root to train with; may be `source`. Paths are relative if the clips lie below
            it.
        progress: Called with the task, the number done and the total. By default a line is printed
            to standard error every ten seconds.
        read: As for `open_data`.

    Returns:
        Numbers of clips, problems and warnings.

    Raises:
        UserError: If the card has no benchmark, a label file is missing, damaged or contradicts
            another, no clip can be used, or the folder holds another program's manifest, or was
            prepared from another data set or source.

    Example:
        >>> prepare_dataset("ucf101", "videos", "videos")
        Traceback (most recent call last):
        pan_keras.errors.UserError: videos: the label file classInd.txt of ucf101 is neither here...
    """
    source, output = Path(source).expanduser(), Path(output).expanduser()
    card = load_card(name)
    if card.benchmark is None or card.manifest is None:
        known = [each for each in card_names() if load_card(each).benchmark is not None]
        raise UserError(
            f"{name}: only published data sets are prepared ({', '.join(known)}); train on other "
            "data directly"
        )
    manifest = output / card.manifest
    refuse_other_preparation(card, source, output)
    found = read_layout(card.benchmark.layout, source)
    classes = _classes(card, found.classes)
    refuse_other_classes(card, classes, output)
    if not is_text(os.path.abspath(source)):  # noqa: PTH100 (keeps links)
        raise UserError(f"{source}: the name of this folder is not valid Unicode; rename it")
    make_folder(output)
    usable = [each for each in found.members if each.path is not None and each.label]
    paths = [each.path for each in usable if each.path is not None]
    inspection = inspect_clips(paths, output, progress=progress, read=read)
    clips = [each for each in usable if each.path in inspection.infos]
    if not clips:
        raise UserError(
            f"{source}: none of the {len(found.members)} clips of {card.name} can be used, such as "
            f"{_first(_problems(found, inspection.broken, source))}; name the folder with the "
            "unpacked files"
        )
    problems = tuple(_problems(found, inspection.broken, source))
    names = _columns(card.benchmark)
    texts = {
        PROBLEMS: _csv(list(ClipProblem.__dataclass_fields__), map(_cells, problems)),
        CLASSES: "".join(f"{label}\n" for label in classes),
        RECORD: record_text(card, source, output),
        # Last, since it makes the folder a data set.
        manifest.name: _csv(["path", "label", *names], _rows(clips, output)),
    }
    for file, text in texts.items():
        with replacing(output / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return Preparation(
        name=str(name) if is_own_card(name) else card.name,
        manifest=manifest,
        classes=classes,
        splits=tuple(_counts(clips, number) for number in range(len(names))),
        problems=problems,
        warnings=(
            *found.warnings,
            *_deviations(card.benchmark, found, clips),
            *inspection.words,
        ),
        known=inspection.known,
    )


def _classes(card: Card, found: Sequence[str]) -> tuple[str, ...]:
    """The classes of the card, which the label files must agree with, or else of these."""
    unknown = [label for label in found if card.classes and label not in card.classes]
    if unknown:
        raise UserError(
            f"{card.name}: the label files name the class {unknown[0]!r}, which the data set does "
            "not have; put the original files back"
        )
    return card.classes or tuple(found)


def _columns(benchmark: PublishedBenchmark) -> list[str]:
    return [fold_column(fold) for fold in range(1, benchmark.folds + 1)] or ["split"]


def _problems(found: Members, broken: Mapping[Path, str], source: Path) -> Iterator[ClipProblem]:
    for each in found.members:
        reason = each.problem
        if not reason and not each.label:
            reason = UNLABELLED
        if not reason and each.path in broken:
            assert each.path is not None
            reason = f"broken: {broken[each.path]}"
        if reason:
            splits = ";".join(split or "unused" for split in each.splits)
            yield ClipProblem(each.name, each.label, splits, reason)
    for path in found.strays:
        below = path.relative_to(source).as_posix()
        yield ClipProblem(below, "", "", "not listed: no label file names it")


def _first(problems: Iterator[ClipProblem]) -> str:
    problem = next(problems, None)
    return f"{problem.clip} ({problem.reason})" if problem else "none, since the lists are empty"


def _rows(clips: Iterable[Member], output: Path) -> Iterator[tuple[str, ...]]:
    start = os.path.join(os.path.abspath(output), "")  # noqa: PTH100, PTH118 (keeps links)
    for each in clips:
        path = os.path.abspath(each.path or "")  # noqa: PTH100 (keeps links)
        inside = path.startswith(start)
        yield (Path(path[len(start) :] if inside else path).as_posix(), each.label, *each.splits)


def _counts(clips: Iterable[Member], number: int) -> dict[str, int]:
    counts = Counter(each.splits[number] for each in clips)
    return {split: counts[split] for split in SPLITS if counts[split]}


def _deviations(
    benchmark: PublishedBenchmark, found: Members, clips: Sequence[Member]
) -> Iterator[str]:
    """Compares the numbers of clips and classes with those of the paper.

    Clips without a published label count as long as they are there.
    """
    there = [*clips, *(each for each in found.members if not each.label and each.path)]
    for split, expected in benchmark.clips.items():
        own = len(there) if split == "all" else sum(each.splits == (split,) for each in there)
        if abs(own - expected) > benchmark.tolerance * expected:
            what = "clips" if split == "all" else f"{split} clips"
            yield f"{own:,} usable {what}, and the paper has {expected:,}"
    if benchmark.classes is not None and len(found.classes) != benchmark.classes:
        yield f"{len(found.classes)} classes in the label files, and {benchmark.classes} expected"
    present = {each.label for each in clips}
    empty = [label for label in found.classes if label not in present]
    if empty:
        yield f"no usable clip of {some(empty)}"


def _cells(problem: ClipProblem) -> tuple[str, ...]:
    cells = (problem.clip, problem.label, problem.splits, problem.reason)
    return tuple(cell if is_text(cell) else ascii(cell) for cell in cells)


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()
