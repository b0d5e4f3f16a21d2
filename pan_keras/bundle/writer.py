"""Writes a bundle and verifies it before it replaces an earlier one."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from pan_keras.bundle.description import model_card
from pan_keras.bundle.embedded import embed
from pan_keras.bundle.facts import Facts
from pan_keras.bundle.model_file import FACTS
from pan_keras.bundle.reader import Bundle
from pan_keras.errors import UserError
from pan_keras.files import replacing_folder

LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")


def write_bundle(
    folder: Path,
    facts: Facts,
    models: Mapping[str, bytes],
    files: Mapping[str, bytes],
    verify: Callable[[Path], Iterable[str]],
) -> Bundle:
    """Writes a bundle in place of an earlier one, all or nothing.

    Args:
        folder: Where.
        facts: What `model.json` says, but for checksums and sizes.
        models: The model files by name, those of `facts["artefacts"]`.
        files: The other files by name: the vectors and the preview.
        verify: Called with the bundle as it was written, beside its place; gives what is wrong
            with it, one sentence each.

    Returns:
        The bundle, opened.

    Raises:
        UserError: If the disk is full, something else is in the way, or what was written does
            not verify.

    Example:
        >>> old = Bundle.open("runs/demo/bundle")
        >>> models = {entry.file: old.content(entry.file) for entry in old.entries}
        >>> files = {name: old.content(name) for name in old.facts["files"]}
        >>> write_bundle(Path("copy"), old.facts, models, files, verify=lambda folder: ()).path
        PosixPath('copy')
    """
    check_folder(folder)
    formats = {entry["file"]: entry["format"] for entry in facts["artefacts"]}
    written = {name: embed(formats[name], content, facts) for name, content in models.items()}
    artefacts = [
        {**entry, "bytes": len(written[entry["file"]]), "sha256": sha256(written[entry["file"]])}
        for entry in facts["artefacts"]
    ]
    complete = cast(Facts, {**facts, "artefacts": artefacts})
    files = {**files, "MODEL_CARD.md": model_card(complete).encode()}
    complete["files"] = {name: sha256(content) for name, content in sorted(files.items())}
    with replacing_folder(folder) as temporary:
        for name, content in {**written, **files, FACTS: _json(complete)}.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(content)
        if problems := list(verify(temporary)):
            raise UserError(
                f"the bundle fails its verification ({'; '.join(problems)}); not written"
            )
    return Bundle.open(folder)


def check_folder(folder: Path) -> None:
    """Raises UserError if writing a bundle there would delete other files.

    An earlier bundle may be replaced, with the files that it names; nothing else may.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file is in the way; remove it or name another folder with -o")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    problem = UserError(
        f"{folder}: holds something other than a bundle; name another folder with -o"
    )
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        named = {FACTS, *facts["files"], *(entry["file"] for entry in facts["artefacts"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise problem from None
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if not file.is_dir() and name not in named and file.name not in LEFT_BY_SYSTEMS:
            raise UserError(
                f"{folder}: holds {name}, which is not part of the bundle there; move it away or "
                "name another folder with -o"
            )


def sha256(content: bytes) -> str:
    """Returns the checksum of a file as `model.json` records it."""
    return hashlib.sha256(content).hexdigest()


def _json(facts: Mapping[str, Any]) -> bytes:
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
