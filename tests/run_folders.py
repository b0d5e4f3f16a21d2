"""Run folders of untrained networks, like those of training."""

from pathlib import Path

import keras

from pan_keras.checkpoints import branches_of
from pan_keras.config import load_config
from pan_keras.data import open_data
from pan_keras.runs.data_identity import identity_of
from pan_keras.runs.model_input import preprocessing
from pan_keras.runs.network import create_model
from pan_keras.runs.run import Run
from pan_keras.runs.versions import versions

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


def untrained_run(
    folder, motions, *overrides, model="pan_lite_micro", sureness=1.0, source="motions"
):
    """A finished run on the data set `motions`, which `make_motions` wrote to a folder.

    `sureness` multiplies the classifier's weights, which are initially near zero. The videos may be
    in another `source`; if it is a folder, `motions` is that folder.
    """
    # The same outputs whichever tests ran before.
    keras.utils.set_random_seed(0)
    settings = (
        "model.segments=4",
        "model.stack=2",
        "model.size=[24, 32]",
        "model.resize=32",
        f'data.source="{source}"',
        f'data.root="{motions}"',
        f"model.name={model}",
        *overrides,
    )
    run = Run(folder)
    run.write("config.toml", load_config(overrides=settings).to_toml())
    given = run.config.data
    data = open_data(source, motions, split_seed=given.split_seed, fold=given.fold)
    network = create_model(run.config, len(data.classes))
    for branch in branches_of(network).values():
        classifier = branch.get_layer("logits")
        classifier.kernel.assign(sureness * classifier.kernel)
    network.save(run.path / "model.keras")
    run.write("labels.txt", "\n".join(data.classes) + "\n")
    run.write_identity(identity_of(data, Path(motions)))
    run.write("versions.json", versions())
    run.write("preprocessing.json", preprocessing(run.config))
    run.write("data_report.json", data.report())
    run.write_metrics(EPOCHS)
    return run
