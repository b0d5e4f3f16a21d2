"""The examples in docstrings are correct.

Examples of layers, backbones and models are compared exactly. Those of all other public names run
on small videos and untrained runs, so that numbers and class names in examples with files are
compared by form.
"""

import doctest
import importlib
import pkgutil
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from test_docstrings import PUBLIC

from pan_keras.data import load_card

EXACT = [
    "pan_keras.layers",
    "pan_keras.backbones",
    "pan_keras.models",
    "pan_keras.deploy.graph",
]
CLUSTER = "pan_keras.cluster"  # starts Ray, and is used in tests/cluster as in its examples
PUBLIC_MODULES = sorted(
    {module for module, _ in PUBLIC.values() if not module.startswith((*EXACT, CLUSTER))}
)
TRAIN = {
    "pan_keras.api",
    "pan_keras.deploy.exporter",
    "pan_keras.evaluation.ablation",
    "pan_keras.evaluation.cross_validation",
    "pan_keras.evaluation.tuning",
    "pan_keras.training.session",
    "pan_keras.training.trainer",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OF_FILES = re.compile(r"\.mp4|videos|runs/|\.pth|camera")
LABELS = re.compile(rf"'({'|'.join(load_card('motions').classes)}|wave)'")


def modules():
    for name in EXACT:
        package = importlib.import_module(name)
        yield name
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            yield module.name


class SameShapes(doctest.OutputChecker):
    """Treats `TensorShape([2, 3])` and `torch.Size([2, 3])` as `(2, 3)`."""

    def check_output(self, want, got, optionflags):
        return super().check_output(self._plain(want), self._plain(got), optionflags)

    def _plain(self, text):
        return re.sub(r"(?:TensorShape|torch\.Size)\(\[(.*?)\]\)", self._tuple, text)

    @staticmethod
    def _tuple(match):
        sides = match.group(1)
        return f"({sides})" if "," in sides or not sides else f"({sides},)"


class SameForm(SameShapes):
    """Treats all numbers as equal, and likewise class names and backbones."""

    def _plain(self, text):
        text = re.sub(r"resnet\d+|micro", "BACKBONE", LABELS.sub("LABEL", super()._plain(text)))
        return re.sub(r"-?\d+(\.\d+)?(e-\d+)?", "NUMBER", text)


@pytest.mark.parametrize("name", list(modules()))
def test_examples(name):
    module = importlib.import_module(name)
    keras.utils.set_random_seed(0)
    runner = doctest.DocTestRunner(checker=SameShapes(), optionflags=FLAGS)
    for test in doctest.DocTestFinder().find(module, extraglobs={"keras": keras, "np": np}):
        runner.run(test)
    assert runner.failures == 0


@pytest.fixture(scope="module")
def desk(small_motions, make_run, bundle, tmp_path_factory):
    """The files of a user: videos in class folders, runs, a bundle, checkpoints."""
    from pan_keras import models
    from pan_keras.checkpoints import save_state_dict

    folder = tmp_path_factory.mktemp("desk")
    for number, video in enumerate(sorted(small_motions.rglob("*.mp4"))):
        (folder / "videos" / video.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(video, folder / "videos" / video.parent.name / f"{number}.mp4")
    shutil.copy(video, folder / "wave.mp4")
    for name, model in (
        ("rgb", "tsm_micro"),
        ("pa", "pa_micro"),
        ("demo", "pan_lite_micro"),
        ("demo/baseline", "tsn_micro"),
    ):
        # As many epochs as its metrics have, for it has no checkpoint and is trained when resumed.
        run = make_run("training.epochs=3", model=model)
        shutil.copytree(run.path, folder / "runs" / name)
    shutil.copytree(bundle, folder / "runs" / "demo" / "bundle")
    options = {"classes": 8, "segments": 4, "stack": 3, "size": 32}
    branches = models.create("pan_full_micro", **options).branches
    for name, network in {
        "PAN_Lite_resnet50": models.create("pan_lite_micro", **options),
        "TSN_micro": models.create("tsn_micro", **options),
        "RGB": branches["rgb"],
        "PA": branches["pa"],
    }.items():
        save_state_dict(network, folder / f"{name}.pth.tar")
    return folder


@pytest.fixture
def small_recipes(monkeypatch, tmp_path):
    """The recipe `small` with smaller clips, and choices of smaller frames."""
    from pan_keras.config import loading
    from pan_keras.training import choosing

    text = (loading.RECIPES / "small.toml").read_text(encoding="utf-8")
    for key, value in {"segments": 2, "stack": 2, "size": "[24, 32]", "resize": 28}.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    shutil.copytree(loading.RECIPES, tmp_path / "recipes")
    (tmp_path / "recipes" / "small.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(loading, "RECIPES", tmp_path / "recipes")
    monkeypatch.setattr(choosing, "AREA", {"micro": 32 * 32})


def exported():
    """Every public class and function by name, and `models`."""
    modules = {name: importlib.import_module(module) for name, (module, _) in PUBLIC.items()}
    found = {"models": importlib.import_module("pan_keras.models")}
    for name, module in modules.items():
        found[name.rpartition(".")[2]] = getattr(module, name.rpartition(".")[2])
    return found


def is_public(test):
    """Whether an example is of an exported class or function, or of a method of one."""
    return any(test.name == name or test.name.startswith(f"{name}.") for name in PUBLIC)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in TRAIN else ())
        for name in PUBLIC_MODULES
    ],
)
def test_examples_on_a_desk(name, desk, small_recipes, monkeypatch):
    from pan_keras.data import open_data

    monkeypatch.chdir(desk)
    module = importlib.import_module(name)
    keras.utils.set_random_seed(0)
    has = {
        "keras": keras,
        "np": np,
        "Path": Path,
        "camera": [(np.zeros((48, 64, 3), "uint8"), number / 24) for number in range(24)],
        "clips": open_data("videos").clips("train"),
    }
    knows = exported() | vars(module) | has
    found = doctest.DocTestFinder(exclude_empty=False).find(module, name, globs=knows)
    failures = 0
    names = {}
    for test in sorted((test for test in found if test.examples and is_public(test)), key=order):
        # Variables of a class's example are available in the examples of its methods.
        owner = test.name.removeprefix(f"{name}.").partition(".")[0]
        test.globs = names.setdefault(owner, test.globs)
        form = OF_FILES.search(test.docstring) is not None
        checker = SameForm() if form else SameShapes()
        runner = doctest.DocTestRunner(checker=checker, optionflags=FLAGS)
        runner.run(test, clear_globs=False)
        failures += runner.failures
    assert failures == 0


def order(test):
    return test.name.count("."), test.lineno or 0
