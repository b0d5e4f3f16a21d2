"""Run folders as training leaves them, made in a second."""

import shutil

import pytest

from pan_keras.data import make_motions, open_data
from pan_keras.training.config import load_config
from pan_keras.training.network import create_model
from pan_keras.training.run import Run, preprocessing, versions

EPOCHS = [
    {
        "epoch": epoch,
        "step": 4 * epoch,
        "loss": 2.0 / epoch,
        "accuracy": 0.2 * epoch,
        "val_loss": 2.1 / epoch,
        "val_accuracy": 0.15 * epoch,
        "learning_rate": 1e-3,
        "clips_per_second": 9.5,
        "input_wait": 0.02,
    }
    for epoch in (1, 2, 3)
]


@pytest.fixture(scope="session")
def small_motions(tmp_path_factory):
    return make_motions(tmp_path_factory.mktemp("data") / "motions", clips=48)


@pytest.fixture(scope="session")
def make_run(small_motions, tmp_path_factory):
    """Makes a finished run of an untrained network on the embedded data set."""

    def make(*overrides, model="pan_lite_micro"):
        settings = (
            "model.segments=4",
            "model.stack=2",
            "model.size=[24, 32]",
            "model.resize=32",
            "data.source=motions",
            f'data.root="{small_motions}"',
            f"model.name={model}",
            *overrides,
        )
        run = Run(tmp_path_factory.mktemp("runs") / model)
        run.write("config.toml", load_config(overrides=settings).to_toml())
        data = open_data("motions", small_motions)
        network = create_model(run.config, len(data.classes))
        network.save(run.path / "model.keras")
        run.write("labels.txt", "\n".join(data.classes) + "\n")
        run.write("versions.json", versions())
        run.write("preprocessing.json", preprocessing(run.config))
        run.write("data_report.json", data.report())
        run.write_metrics(EPOCHS)
        return run

    return make


@pytest.fixture(scope="session")
def run(make_run):
    return make_run()


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of `run`, not evaluated, that a test may write into."""
    ignored = shutil.ignore_patterns("evaluation", "report.html")
    return Run(shutil.copytree(run.path, tmp_path / "run", ignore=ignored))
