"""What tests of several parts share."""

import shutil

import pytest


@pytest.fixture(autouse=True)
def registered_backbones(monkeypatch):
    """The backbones as they are: what a test or an example registers goes with it."""
    from pan_keras.backbones import registry  # takes seconds, which a collection need not wait for

    monkeypatch.setattr(registry, "BACKBONES", dict(registry.BACKBONES))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A bundle of small models."""
    from bundles import make_bundle  # needs TensorFlow, which tests on other backends have not

    return make_bundle(tmp_path_factory.mktemp("bundles") / "mean").path


@pytest.fixture
def own_bundle(bundle, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(bundle, tmp_path / "bundle")
