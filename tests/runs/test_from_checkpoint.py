"""Converted checkpoints are complete runs, and convert back to the same PyTorch weights."""

import json

import numpy as np
import pytest
from golden_files import golden_bytes, golden_network

from pan_keras import models
from pan_keras.checkpoints import read_state_dict, save_state_dict, state_dict_of
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference import predict
from pan_keras.reports import write_report
from pan_keras.runs.from_checkpoint import convert_checkpoints, export_to_torch
from pan_keras.runs.run import open_run
from pan_keras.training import train

LEGACY_CUDA = "tinybasic_lite_trained_with_momentum_legacy_cuda.pth.tar"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of a micro network with the classes of `motions`."""
    path = tmp_path_factory.mktemp("checkpoint") / "micro.pth.tar"
    model = models.create("pan_lite_micro", classes=8, segments=4, stack=2, size=32)
    save_state_dict(model, path)
    return path


@pytest.fixture(scope="module")
def converted(checkpoint, small_motions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    names = sorted({path.parent.name for path in small_motions.rglob("*.mp4")})
    (folder / "labels.txt").write_text("\n".join(names) + "\n\n")
    run = folder / "run"
    convert_checkpoints([checkpoint], run, labels=folder / "labels.txt", segments=4, size=(24, 32))
    return open_run(run)


@pytest.fixture
def trained(tmp_path):
    file = tmp_path / LEGACY_CUDA
    file.write_bytes(golden_bytes(LEGACY_CUDA))
    return file


def test_the_folder_has_all_files_that_other_commands_read(converted, checkpoint):
    assert converted.config.model.name == "pan_lite_micro"
    assert converted.shape.segments == 4
    assert (converted.shape.stack, converted.shape.size, converted.shape.resize) == (
        2,
        (24, 32),
        27,
    )
    assert len(converted.labels) == 8
    assert {"keras", "tensorflow"} <= converted.versions.keys()
    model = converted.load_model()
    state = read_state_dict(checkpoint)
    for key, array in state_dict_of(model).items():
        np.testing.assert_array_equal(array, state[key])


def test_the_record_lists_the_use_of_every_tensor(converted, checkpoint):
    record = json.loads((converted.path / "conversion.json").read_text())
    (source,) = record["checkpoints"]
    assert len(source["sha256"]) == 64
    assert source["network"] == "pan_lite_micro"
    places = {tensor["key"]: tensor["to"] for tensor in source["tensors"]}
    assert places.keys() == read_state_dict(checkpoint).keys()
    assert places["base_model.fc.TES.0.weight"] == "vap/w1"
    assert places["base_model.bn1.num_batches_tracked"].startswith("not converted")
    kept = [place for place in places.values() if not place.startswith("not converted")]
    assert record["checks"]["weights_read_back_equal"] == len(kept) == len(set(kept))


def test_it_is_evaluated_predicts_and_is_reported(converted, small_motions):
    result = evaluate(converted.path, "motions", root=small_motions, progress=False)
    assert result.clips > 0
    video = next(small_motions.rglob("*.mp4"))
    (prediction,) = predict(converted.path, [video], top=8)
    assert {label for label, _ in prediction.predictions} == set(converted.labels)
    report = write_report(converted.path).read_text()
    assert "pan_lite_micro" in report
    with pytest.raises(UserError, match="records no data"):
        evaluate(converted.path, progress=False)


def test_training_starts_from_its_checkpoint(
    converted, checkpoint, small_motions, tmp_path, capsys
):
    settings = [f'model.weights="{checkpoint}"', "training.epochs=1", "training.learning_rate=1e-9"]
    result = train(
        "motions",
        root=small_motions,
        config=converted.path / "config.toml",
        overrides=[*settings, "data.cache=none"],
        run=tmp_path / "run",
    )
    printed = " ".join(capsys.readouterr().err.split())
    assert "52 tensors loaded, dropped: fc.TES.0.weight" in printed
    trained = state_dict_of(result.run.load_model())
    key = "base_model.layer3.0.conv2.weight"
    np.testing.assert_allclose(trained[key], read_state_dict(checkpoint)[key], atol=1e-6)


def test_weights_that_do_not_fit_leave_no_run_behind(checkpoint, small_motions, tmp_path):
    with pytest.raises(UserError, match="are not those of the network"):
        train(
            "motions",
            root=small_motions,
            model="pan_lite_resnet18",
            overrides=[f'model.weights="{checkpoint}"', "model.size=32", "model.stack=2"],
            run=tmp_path / "run",
        )
    with pytest.raises(UserError, match="records no data"):
        train(overrides=['data.source=""'], run=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_exported_from_its_run_is_bit_identical(trained, tmp_path):
    convert_checkpoints([trained], tmp_path / "run", size=(48, 48))
    before = read_state_dict(trained)
    for name in ("back.pth.tar", "back.safetensors"):
        (file,) = export_to_torch(tmp_path / "run", tmp_path / name)
        after = read_state_dict(file)
        assert after.keys() == before.keys()
        for key, array in before.items():
            np.testing.assert_array_equal(after[key], array, strict=True)


def test_each_branch_of_a_fused_network_has_a_file_of_its_own(tmp_path):
    states = {}
    for mode in ("rgb", "pa"):
        arrays = golden_network(f"tinybasic_{mode}")
        states[mode] = {key[3:]: array for key, array in arrays.items() if key[:3] == "sd."}
        np.savez(tmp_path / f"{mode}.npz", **states[mode])
    run = tmp_path / "run"
    files = [tmp_path / "pa.npz", tmp_path / "rgb.npz"]
    record = convert_checkpoints(files, run, full=True, size=(32, 32))
    assert record["model"] == "pan_full_resnet"
    written = export_to_torch(run, tmp_path / "back.pth.tar")
    assert [file.name for file in written] == ["back-rgb.pth.tar", "back-pa.pth.tar"]
    for file, mode in zip(written, ("rgb", "pa"), strict=True):
        after = read_state_dict(file)
        assert after.keys() == states[mode].keys()
        for key, array in after.items():
            np.testing.assert_array_equal(array, states[mode][key])


@pytest.mark.parametrize(
    ("labels", "message"),
    [("a\nb\n", "2 labels for 8 classes"), ("a\n" * 8, "repeated"), (None, "not readable")],
)
def test_labels_that_do_not_fit_are_refused(labels, message, checkpoint, tmp_path):
    file = tmp_path / "labels.txt"
    if labels is not None:
        file.write_text(labels)
    with pytest.raises(UserError, match=message):
        convert_checkpoints([checkpoint], tmp_path / "run", labels=file, size=(32, 32))
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_is_not_changed(checkpoint, converted, tmp_path):
    with pytest.raises(UserError, match="exists; name another"):
        convert_checkpoints([checkpoint], converted.path)
    with pytest.raises(UserError, match="add --full"):
        convert_checkpoints([checkpoint, checkpoint], tmp_path / "run")
