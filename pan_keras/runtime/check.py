"""Whether a bundle is whole and answers on this machine as it did when it was exported."""

from collections.abc import Iterator
from dataclasses import dataclass

from pan_keras.errors import UserError
from pan_keras.installation import install
from pan_keras.runtime.bundle import Bundle
from pan_keras.runtime.entry import Entry
from pan_keras.runtime.loading import RUNTIMES
from pan_keras.runtime.vectors import Vectors


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        subject: What.
        problems: What is wrong with it, one sentence each.
        note: What else is to be known, such as why it was not looked at.
    """

    subject: str
    problems: tuple[str, ...] = ()
    note: str | None = None

    def to_text(self) -> str:
        """One line, and one more for each further problem."""
        return f"{self.subject}: " + ("\n  ".join(self.problems) or self.note or "good")


def check(bundle: Bundle, threads: int | None = None) -> Iterator[Finding]:
    """Holds all files against their checksums, and runs the vectors through every model.

    Args:
        bundle: An open bundle.
        threads: Threads for one call; all cores unless given.

    Yields:
        A finding for the files, then one for each model.

    Raises:
        UserError: If this machine has the runtime of none of the models.
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
            yield Finding(entry.file, ("the vectors say nothing of it",))
        else:
            yield _answers(bundle, entry, vectors, threads)


def _answers(bundle: Bundle, entry: Entry, vectors: Vectors, threads: int | None) -> Finding:
    try:
        engine = bundle.load(entry, threads)
        found = vectors.compare(entry, engine, bundle.shape.array)
    except UserError as error:
        return Finding(entry.file, (str(error),))
    note = f"good, no logit is off by more than {found.furthest:.1e}"
    return Finding(entry.file, found.problems, note)


def _changed(bundle: Bundle, name: str) -> str | None:
    try:
        bundle.content(name)
    except UserError as error:
        return str(error)
    return None
