"""Checks a bundle against its schema, its checksums and its test vectors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.bundle import Bundle, ModelFile, Vectors
from pan_keras.bundle.embedded import differences
from pan_keras.bundle.model_file import RUNTIMES
from pan_keras.bundle.schema import violations
from pan_keras.bundle.vectors import Expected
from pan_keras.errors import UserError
from pan_keras.installation import install
from pan_keras.runtime.loading import load_model
from pan_keras.runtime.stream import answers


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        subject: What was checked.
        problems: What is wrong, one sentence each.
        note: Further information, such as why it was not checked.

    Example:
        >>> Finding("checksums").to_text()
        'checksums: good'
    """

    subject: str
    problems: tuple[str, ...] = ()
    note: str | None = None

    def to_text(self) -> str:
        """The result as text.

        Returns:
            One line per problem, at least one.
        """
        return f"{self.subject}: " + ("\n  ".join(self.problems) or self.note or "good")


def verify(path: Path | str, threads: int | None = None) -> Iterator[Finding]:
    """Checks a bundle against its schema, its checksums and its test vectors.

    Model files whose runtime is not installed are listed but neither run nor inspected.

    Args:
        path: The folder.
        threads: Threads per call of a model; all cores by default.

    Yields:
        Findings for the schema, the checksums, the facts inside the model files, and the outputs
        of each model for the test vectors.

    Raises:
        UserError: If the bundle cannot be read.

    Example:
        >>> any(finding.problems for finding in verify("runs/demo/bundle"))
        False
    """
    bundle = Bundle.open(path)
    yield Finding("schema", tuple(violations(bundle.facts)))
    files, *models = check(bundle, threads)
    yield files
    if not files.problems:
        unread = ", ".join(entry.file for entry in bundle.entries if not entry.is_runnable)
        note = f"good; not checked: {unread}" if unread else None
        yield Finding("facts inside the models", tuple(differences(bundle)), note)
    yield from models


def check(bundle: Bundle, threads: int | None = None) -> Iterator[Finding]:
    """Checks files against their checksums and models against the test vectors.

    Args:
        bundle: An open bundle.
        threads: Threads per call; all cores by default.

    Yields:
        A finding for the files, then one per model.

    Raises:
        UserError: If no runtime for any of the models is installed.

    Example:
        >>> [finding.subject for finding in check(Bundle.open("runs/demo/bundle"))][0]
        'files'
    """
    changed = [problem for name in bundle.checksums if (problem := _changed(bundle, name))]
    yield Finding("files", tuple(changed))
    if changed:
        return
    try:
        vectors = Vectors.read(bundle)
    except UserError as error:
        yield Finding("vectors", (str(error),))
        return
    if not any(entry.is_runnable for entry in bundle.entries):
        extras = sorted({RUNTIMES[entry.format][1] for entry in bundle.entries})
        raise UserError(
            f"{bundle.path}: no runtime of its models is installed; "
            f"{' or '.join(map(install, extras))}"
        )
    for entry in bundle.entries:
        if not entry.is_runnable:
            note = f"not run, the runtime of {entry.format} is not installed"
            yield Finding(entry.file, note=note)
        elif entry.file not in vectors.expected:
            yield Finding(entry.file, ("no test vectors cover it",))
        else:
            yield _run(bundle, entry, vectors, threads)


def open_verified(path: Path | str) -> Bundle:
    """Opens a bundle, and checks its files and models as `check` does.

    Args:
        path: The folder.

    Returns:
        The bundle.

    Raises:
        UserError: If a check fails, or no runtime for any of the models is installed.

    Example:
        >>> open_verified("runs/demo/bundle").labels[0]
        'clockwise'
    """
    bundle = Bundle.open(path)
    for finding in check(bundle):
        if finding.problems:
            raise UserError(
                f"{path}: fails its verification ({finding.subject}: {finding.problems[0]}); "
                "export it again"
            )
    return bundle


def compare(subject: str, expected: Expected, found: Iterable[np.ndarray]) -> Finding:
    """Compares logits with those of the test vectors.

    Args:
        subject: What produced `found`.
        expected: The logits of the test vectors.
        found: The logits of each clip, in the order of the vectors.

    Raises:
        UserError: If `found` raises it.
    """
    problems, furthest = [], 0.0
    for number, (logits, wanted) in enumerate(zip(found, expected.logits, strict=True)):
        if logits.shape != wanted.shape:
            problems.append(f"clip {number}: {logits.shape} logits, not {wanted.shape}")
            continue
        distance = float(np.abs(logits - wanted).max())
        furthest = max(furthest, distance)
        # `not <=` so that NaN counts as a difference.
        if not distance <= expected.max_difference:
            problems.append(
                f"clip {number}: a logit is off by {distance:.2g}, more than "
                f"{expected.max_difference:.2g}"
            )
        elif (logits.argmax(-1) != wanted.argmax(-1)).any():
            problems.append(f"clip {number}: another class is the most probable")
    return Finding(subject, tuple(problems), f"good, no logit is off by more than {furthest:.1e}")


def _run(bundle: Bundle, entry: ModelFile, vectors: Vectors, threads: int | None) -> Finding:
    """Runs a model on the test vectors."""
    states = entry.states if entry.streaming else None
    try:
        engine = load_model(bundle, entry, threads)
        found = (answers(engine, states, clip, bundle.shape.array) for clip in vectors.clips)
        return compare(entry.file, vectors.expected[entry.file], found)
    except UserError as error:
        return Finding(entry.file, (str(error),))


def _changed(bundle: Bundle, name: str) -> str | None:
    try:
        bundle.content(name)
    except UserError as error:
        return str(error)
    return None
