"""Writes a bundle, and reads it back before it takes its place."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pan_keras.deploy.bundle.embedded import embed
from pan_keras.deploy.bundle.model_card import model_card
from pan_keras.deploy.bundle.verification import verify
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.errors import UserError
from pan_keras.files import replacing_folder
from pan_keras.runtime.bundle import FACTS, Bundle

LEFT_BY_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")


def write_bundle(
    folder: Path,
    facts: Mapping[str, Any],
    candidates: Sequence[Candidate],
    files: Mapping[str, bytes],
) -> Bundle:
    """Writes a bundle in place of an earlier one, all or nothing.

    Args:
        folder: Where.
        facts: What `model.json` says, but for checksums and sizes.
        candidates: The models, checked.
        files: The other files by name: the vectors and the preview.

    Raises:
        UserError: If the disk is full, something else is in the way, or what was written does
            not verify.
    """
    check_folder(folder)
    models = {
        candidate.name: embed(candidate.artefact.format, candidate.artefact.content, facts)
        for candidate in candidates
    }
    artefacts = [
        {**entry, "bytes": len(models[entry["file"]]), "sha256": _sha256(models[entry["file"]])}
        for entry in facts["artefacts"]
    ]
    complete = {**facts, "artefacts": artefacts}
    files = {**files, "MODEL_CARD.md": model_card(complete).encode()}
    complete["files"] = {name: _sha256(content) for name, content in sorted(files.items())}
    with replacing_folder(folder) as temporary:
        for name, content in {**models, **files, FACTS: _json(complete)}.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(content)
        problems = [finding.to_text() for finding in verify(temporary) if finding.problems]
        if problems:
            raise UserError(f"the bundle does not verify ({'; '.join(problems)}); not written")
    return Bundle.open(folder)


def check_folder(folder: Path) -> None:
    """Raises UserError if a bundle there would sweep something else away.

    An earlier bundle may be replaced, with the files that it names; anything else may not.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: a file is in the way; remove it or name another folder by -o")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    problem = UserError(f"{folder}: holds something else than a bundle; name another folder by -o")
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
                "name another folder by -o"
            )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(facts: Mapping[str, Any]) -> bytes:
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
