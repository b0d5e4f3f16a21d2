"""Untrusted `.keras` files are loaded, or refused with a clear error."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from damage import damaged

from pan_keras import models

EACH = 60
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "model.keras"
    models.create("pan_lite_micro", classes=3, segments=2, stack=2, size=16).save(file)
    return file


@pytest.fixture
def rewritten(good, tmp_path):
    """Writes a copy in which some entries have other content."""

    def write(entries, compression=zipfile.ZIP_STORED):
        target = tmp_path / "hostile.keras"
        with zipfile.ZipFile(good) as source, zipfile.ZipFile(target, "w", compression) as copy:
            for name in source.namelist():
                content = entries.get(name, source.read(name))
                if content is not None:
                    copy.writestr(name, content)
        return target

    return write


def config_of(good, change):
    with zipfile.ZipFile(good) as archive:
        config = json.loads(archive.read("config.json"))
    change(config)
    return {"config.json": json.dumps(config)}


def test_an_unaltered_copy_is_loaded(rewritten):
    assert models.load(rewritten({})).output_shape == (None, 3)
    assert models.load(rewritten({}, zipfile.ZIP_DEFLATED)).output_shape == (None, 3)


CONFIGS = {
    "a class of another module": (
        lambda config: config.update(
            module="subprocess", class_name="Popen", registered_name="Popen"
        ),
        "subprocess.Popen",
    ),
    "a class within": (
        lambda config: config["config"]["backbone"].update(
            module="os", class_name="system", registered_name=None
        ),
        "os.system",
    ),
    "classes without end": (lambda config: config["config"].update(classes=10**9), "classes"),
    "segments without end": (lambda config: config["config"].update(segments=10**5), "segments"),
    "blocks without end": (
        lambda config: config["config"]["backbone"]["config"].update(blocks=[10**4, 1, 1]),
        "blocks",
    ),
    "a size of no number": (
        lambda config: config["config"].update(size=[float("nan"), 16]),
        "size",
    ),
    "a negative size": (lambda config: config["config"].update(size=[-5, 16]), "damaged"),
    "a lambda": (
        lambda config: config["config"].update(
            backbone={"module": "keras.layers", "class_name": "Lambda", "config": {}}
        ),
        "damaged",
    ),
}


@pytest.mark.parametrize(("change", "word"), CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_that_is_not_a_network_is_refused(change, word, good, rewritten):
    with pytest.raises(ValueError, match=rf"hostile\.keras: .*{word}"):
        models.load(rewritten(config_of(good, change)))


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"config.json": DEEP}, "nested too deeply"),
        ({"config.json": "[1, 2"}, "damaged"),
        ({"config.json": "7"}, "damaged"),
        ({"config.json": None}, "holds no config.json"),
        ({"model.weights.h5": b"no weights"}, "damaged"),
        ({"model.weights.h5": None}, "holds no model.weights.h5"),
    ],
)
def test_an_archive_that_keras_did_not_write_is_refused(entries, word, rewritten):
    with pytest.raises(ValueError, match=word):
        models.load(rewritten(entries))


def weights_with(good, change):
    with zipfile.ZipFile(good) as archive:
        stored = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(stored, "r+") as file:
        change(file)
    return {"model.weights.h5": stored.getvalue()}


def first_weight(file):
    found = []
    file.visititems(
        lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return found[0]


def huge(file):
    name = first_weight(file)
    del file[name]
    file.create_dataset(name, shape=(10**7, 10**6), dtype="f4", chunks=(1000, 1000))


def external(file):
    name = first_weight(file)
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape=shape, dtype="f4", external="/etc/passwd")


def linked(file):
    name = first_weight(file)
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "/x")


@pytest.mark.parametrize(
    ("change", "word"), [(huge, "not in the file"), (external, "not in the file"), (linked, "link")]
)
def test_weights_from_elsewhere_are_refused(change, word, good, rewritten):
    with pytest.raises(ValueError, match=word):
        models.load(rewritten(weights_with(good, change)))


def test_a_zip_bomb_is_refused(rewritten):
    bomb = {"model.weights.h5": np.zeros(50_000_000, "u1").tobytes()}
    with pytest.raises(ValueError, match="unpack"):
        models.load(rewritten(bomb, zipfile.ZIP_DEFLATED))


def test_a_damaged_file_is_refused_or_loaded(good, tmp_path):
    file = tmp_path / "damaged.keras"
    refused = 0
    for _, variant in damaged(good.read_bytes(), EACH, seed=3):
        file.write_bytes(variant)
        try:
            models.load(file)
        except ValueError as error:
            assert str(error).startswith(f"{file}: damaged (")
            assert "\n" not in str(error)
            refused += 1
    assert refused > EACH / 2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    create = {"classes": 3, "segments": 4, "stack": 3, "size": 32}
    models.create("pan_lite_micro", **create).save(folder / "model.keras")
    return folder


def test_a_run_folder_and_its_file_give_the_same(run):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 32, 32, 3), dtype="uint8")
    by_folder, by_file = models.load(run), models.load(str(run / "model.keras"))
    np.testing.assert_array_equal(
        by_folder.predict_on_batch(clips), by_file.predict_on_batch(clips)
    )


def test_the_backbone_can_be_used_in_a_custom_model(run):
    loaded = models.load(run)
    maps = keras.Input((48, 40, 5))
    scores = keras.layers.Dense(2)(loaded.backbone(maps))
    model = keras.Model(maps, scores)
    kernel = loaded.backbone.get_layer("conv1").kernel
    assert any(weight is kernel for weight in model.trainable_weights)
    # The batch holds whole clips of 4 segments, as the temporal shift requires.
    assert model.predict_on_batch(np.zeros((8, 48, 40, 5), "float32")).shape == (8, 2)


def test_a_missing_model_gives_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="a folder that train finished"):
        models.load(tmp_path)


def test_a_damaged_model_gives_one_sentence(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK not a model")
    with pytest.raises(ValueError, match="damaged"):
        models.load(tmp_path)
