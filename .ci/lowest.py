"""Prints constraints that hold each requirement of pan-keras at its lower bound.

    python .ci/lowest.py EXTRA... > lowest.txt

Indirect dependencies keep their version in constraints.txt.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
FREE = {"pydantic-core"}  # each release of pydantic requires an exact version
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<extras>[\w,-]+)\])?(>=(?P<lowest>[\d.]+))?")


def lowest(project: dict, extras: Iterable[str]) -> dict[str, str]:
    """Returns the lower bound of each requirement of an installation with extras.

    Args:
        project: The table `project` of pyproject.toml.
        extras: Names of extras; extras that they include are followed.

    Returns:
        Version by name; the largest if several extras require a package.

    Raises:
        ValueError: If a requirement has no lower bound.
    """
    bounds: dict[str, str] = {}
    waiting = [*project["dependencies"], f"{project['name']}[{','.join(extras)}]"]
    while waiting:
        requirement = REQUIREMENT.match(line := waiting.pop())
        name = requirement["name"]
        if name == project["name"]:
            for extra in requirement["extras"].split(","):
                waiting += project["optional-dependencies"][extra]
        elif requirement["lowest"] is None:
            raise ValueError(f"{line}: no lower bound; write one into pyproject.toml")
        else:
            bounds[name] = max(bounds.get(name, "0"), requirement["lowest"], key=_number)
    return bounds


def constraints(bounds: dict[str, str], pinned: str) -> str:
    """Returns the lines of a constraints file with the lower bounds of some packages."""
    pins = dict(line.split("==") for line in pinned.split())
    known = FREE | {_canonical(name) for name in bounds}
    pins = {name: version for name, version in pins.items() if _canonical(name) not in known}
    return "\n".join(f"{name}=={version}" for name, version in sorted((pins | bounds).items()))


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    print(constraints(lowest(tables["project"], sys.argv[1:]), pinned))  # noqa: T201
