"""Keras knows the package's classes after both were imported, in whatever order."""

import subprocess
import sys

import pytest

FOUND = "; assert 'pan_keras>PANLite' in keras.saving.get_custom_objects()"


@pytest.mark.parametrize(
    "imports",
    [
        "import pan_keras, keras",
        "import keras, pan_keras",
        "import pan_keras, importlib.util; importlib.util.find_spec('keras'); import keras",
        "import pan_keras.layers, keras",
        "from pan_keras.backbones import ResNet; import keras",
        "import pan_keras; pan_keras.models.names(); import keras",
    ],
)
def test_classes_are_registered(imports):
    subprocess.run([sys.executable, "-c", imports + FOUND], check=True, capture_output=True)


def test_the_package_alone_imports_nothing_slow():
    code = "import pan_keras.data, sys; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_unknown_part_is_an_attribute_error():
    import pan_keras

    with pytest.raises(AttributeError, match="no attribute 'layer'"):
        _ = pan_keras.layer
