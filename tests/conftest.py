"""Fixtures shared by tests of several packages."""

import shutil
import signal

import pytest
from hypothesis import settings

# A suite started in the background may ignore Ctrl-C, which the programs that it starts inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every machine, however slow it is.
settings.register_profile("bounded", max_examples=50, deadline=None, derandomize=True)
settings.load_profile("bounded")


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that the workers that share the files end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def registered_backbones(monkeypatch):
    """Restores the registry after a test or example that registers backbones."""
    from pan_keras.backbones import registry  # takes seconds, which a collection need not wait for

    monkeypatch.setattr(registry, "BACKBONES", dict(registry.BACKBONES))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Gives the tests a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """Settings are chosen as on a machine without weights of ImageNet and without a network."""
    from pan_keras.checkpoints import imagenet

    monkeypatch.setattr(imagenet, "_downloaded", lambda backbone, file: False)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A bundle of small models."""
    from bundles import make_bundle  # needs TensorFlow, which tests on other backends have not

    return make_bundle(tmp_path_factory.mktemp("bundles") / "mean").path


@pytest.fixture
def own_bundle(bundle, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def small_motions(tmp_path_factory):
    """The embedded data set with a few clips."""
    from pan_keras.data import make_motions

    return make_motions(tmp_path_factory.mktemp("data") / "motions", clips=48)


@pytest.fixture(scope="session")
def motion_shards(small_motions, tmp_path_factory):
    """The same clips in shards."""
    from shard_folders import make_shards

    folder = tmp_path_factory.mktemp("data") / "shards"
    make_shards("motions", folder, small_motions)
    return folder


@pytest.fixture(scope="session")
def make_run(small_motions, tmp_path_factory):
    """Makes a finished run of an untrained network on the embedded data set."""
    from run_folders import untrained_run  # needs TensorFlow too

    def make(*overrides, model="pan_lite_micro"):
        folder = tmp_path_factory.mktemp("runs") / model
        return untrained_run(folder, small_motions, *overrides, model=model)

    return make


@pytest.fixture(scope="session")
def run(make_run):
    """A finished run, made in a second."""
    return make_run()


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of `run`, not evaluated, that a test may write into."""
    from pan_keras.runs.run import Run

    ignored = shutil.ignore_patterns("evaluation", "report.html")
    return Run(shutil.copytree(run.path, tmp_path / "run", ignore=ignored))


@pytest.fixture
def memory_clips(tmp_path, monkeypatch):
    """Registers a third kind of frame source, clips in memory, during a test."""
    from memory_clips import MemoryClips

    from pan_keras.video import add_source

    monkeypatch.setattr("pan_keras.video.frame_sources._openers", [])
    clips = MemoryClips(tmp_path)
    add_source(clips.open)
    return clips
