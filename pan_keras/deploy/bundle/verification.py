"""Whether a bundle is whole, of its form, and answers as it did when it was exported."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from pan_keras.deploy.bundle.embedded import extract
from pan_keras.runtime.bundle import Bundle
from pan_keras.runtime.check import Finding, check

SCHEMA = Path(__file__).with_name("bundle.schema.json")
# What is known only when a file is written is not inside it.
OUTSIDE = ("bytes", "sha256")


def verify(path: Path | str, threads: int | None = None) -> Iterator[Finding]:
    """Looks at a bundle from all sides.

    Args:
        path: The folder.
        threads: Threads for one call of a model; all cores unless given.

    Yields:
        A finding for the schema, the checksums, the facts inside the model files, and for each
        model what it answers to the test vectors.

    Raises:
        UserError: If it is no bundle that can be read.

    Example:
        >>> any(finding.problems for finding in verify("runs/demo/bundle"))
        False
    """
    bundle = Bundle.open(path)
    yield Finding("schema", tuple(_against_schema(bundle.facts)))
    files, *models = check(bundle, threads)
    yield files
    if not files.problems:
        yield Finding("facts inside the models", tuple(_against_inside(bundle)))
    yield from models


def _against_schema(facts: Any) -> Iterator[str]:
    for error in _validator().iter_errors(facts):
        place = ".".join(map(str, error.absolute_path)) or "model.json"
        yield f"{place}: {error.message:.300}"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _against_inside(bundle: Bundle) -> Iterator[str]:
    outside = {key: value for key, value in bundle.facts.items() if key != "files"}
    outside["artefacts"] = [
        {key: value for key, value in entry.items() if key not in OUTSIDE}
        for entry in outside["artefacts"]
    ]
    for entry in bundle.entries:
        try:
            inside = extract(entry.format, bundle.content(entry.file))
        except Exception as error:  # bytes that pose as a model can raise anything
            yield f"{entry.file}: its facts cannot be read ({error or type(error).__name__})"
            continue
        if inside != outside:
            yield f"{entry.file}: its facts are not those of model.json"
