"""The examples in docstrings do what they show."""

import doctest
import importlib
import pkgutil
import re

import keras
import numpy as np
import pytest

PACKAGES = [
    "pan_keras.layers",
    "pan_keras.backbones",
    "pan_keras.models",
    "pan_keras.deploy.graph",
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules():
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield name
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            yield module.name


class SameShapes(doctest.OutputChecker):
    """Takes `TensorShape([2, 3])` and `torch.Size([2, 3])` for the `(2, 3)` of the docstrings."""

    def check_output(self, want, got, optionflags):
        got = re.sub(r"(?:TensorShape|torch\.Size)\(\[(.*?)\]\)", self._tuple, got)
        return super().check_output(want, got, optionflags)

    @staticmethod
    def _tuple(match):
        sides = match.group(1)
        return f"({sides})" if "," in sides or not sides else f"({sides},)"


@pytest.mark.parametrize("name", list(modules()))
def test_examples(name):
    module = importlib.import_module(name)
    keras.utils.set_random_seed(0)
    runner = doctest.DocTestRunner(checker=SameShapes(), optionflags=FLAGS)
    for test in doctest.DocTestFinder().find(module, extraglobs={"keras": keras, "np": np}):
        runner.run(test)
    assert runner.failures == 0
