"""`import pan_keras.models` registers the classes with Keras; `import pan_keras` stays cheap."""

import subprocess
import sys

import pytest

FOUND = "; assert 'pan_keras>PANLite' in keras.saving.get_custom_objects()"


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, pan_keras.models",
        "import pan_keras.models, keras",
        "import pan_keras, keras; pan_keras.models.names()",
    ],
)
def test_classes_are_registered_with_the_models(imports):
    subprocess.run([sys.executable, "-c", imports + FOUND], check=True, capture_output=True)


def test_a_model_is_loaded_by_keras_after_the_models_are_imported(tmp_path):
    from pan_keras import models

    file = tmp_path / "model.keras"
    models.create("tsn_micro", classes=2, segments=2, stack=1, size=16).save(file)
    code = f"import keras; import pan_keras.models; keras.saving.load_model({str(file)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_package_alone_imports_nothing_slow_and_changes_no_import():
    code = (
        "import sys; before = list(sys.meta_path); import pan_keras.data; "
        "assert sys.meta_path == before; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_unknown_part_is_an_attribute_error():
    import pan_keras

    with pytest.raises(AttributeError, match="layer"):
        _ = pan_keras.layer
