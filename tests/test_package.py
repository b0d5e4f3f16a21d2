"""The package: its data files, and versions pinned in one place."""

import ast
import csv
import importlib.resources
import runpy
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pan_keras import shipped

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {
        canonicalize_name(name): version for name, _, version in (x.partition("==") for x in lines)
    }


def requirements():
    """Every requirement that pyproject.toml names."""
    yield from PROJECT["project"]["dependencies"]
    yield from PROJECT["build-system"]["requires"]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        yield from (item for item in extra if not item.startswith("pan-keras["))
    for group in PROJECT["dependency-groups"].values():
        yield from (item for item in group if isinstance(item, str))


def test_registered_class_names_are_unique():
    saved = [
        node.name
        for file in (ROOT / "pan_keras").rglob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        and any("register_keras_serializable" in ast.unparse(each) for each in node.decorator_list)
    ]
    assert len(saved) > 20
    assert sorted(saved) == sorted(set(saved))


@pytest.mark.parametrize("requirement", sorted(set(requirements())))
def test_constraints_pin_each_requirement_inside_its_range(requirement):
    wanted = Requirement(requirement)
    assert wanted.specifier.contains(pins()[canonicalize_name(wanted.name)])


def test_every_requirement_has_a_lower_bound_to_test():
    script = runpy.run_path(str(ROOT / ".ci" / "lowest.py"))
    lowest = script["lowest"](PROJECT["project"], ["all", "gpu", "jax", "torch"])
    assert lowest["onnxruntime"] == "1.27"  # for export; the extra onnx alone does not need it
    assert script["lowest"](PROJECT["project"], ["onnx"])["onnxruntime"] == "1.20"
    held = dict(
        line.split("==") for line in script["constraints"](lowest, "NumPy==9\nsix==1").split()
    )
    assert held["numpy"] == lowest["numpy"]
    assert held["six"] == "1"
    with pytest.raises(ValueError, match="no lower bound"):
        script["lowest"](PROJECT["project"] | {"dependencies": ["numpy"]}, ["onnx"])


def test_user_requirements_have_no_upper_bound():
    project = PROJECT["project"]
    for asked in (project["dependencies"], *project["optional-dependencies"].values()):
        assert not [line for line in asked if "<" in line or "~" in line], (
            "say which break is known"
        )


def test_constraints_name_releases_that_every_index_has():
    for name, version in pins().items():
        assert Version(version).local is None, f"{name}=={version} is a build of one machine"


def test_the_package_is_marked_as_typed():
    assert importlib.resources.files("pan_keras").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", ["datasets", "export/recipes"])
def test_shipped_folders_are_found(name):
    assert shipped.folder(name).is_dir()


def test_documents_state_the_measured_sizes():
    text = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")
    with (ROOT / "export/results/installation.csv").open(encoding="utf-8", newline="") as file:
        measured = list(csv.DictReader(file))
    for row in measured:
        extras = f"`{row['extras']}`" if row["extras"] else "none"
        assert f"| {extras} | {row['packages']} | {row['installed_mb']} |\n" in text
    assert f"Python {measured[0]['python']}, {measured[0]['machine']}" in text


def test_wheel_takes_in_each_shipped_folder():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in included.items():
        assert (ROOT / source).is_dir()
        assert target == f"pan_keras/_shipped/{source}"


def test_missing_shipped_folder_asks_for_a_new_installation():
    with pytest.raises(FileNotFoundError, match="reinstall"):
        shipped.folder("no/such/folder")
