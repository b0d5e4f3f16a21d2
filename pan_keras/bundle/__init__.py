"""Reads and writes bundles, the folders that `pan-keras export` makes for devices.

`docs/bundle.md` describes every file and number for readers in other languages. Nothing here needs
Keras, TensorFlow or OpenCV.
"""

from pan_keras.bundle.model_file import ModelFile
from pan_keras.bundle.reader import Bundle, is_bundle
from pan_keras.bundle.schema import SCHEMA_VERSION
from pan_keras.bundle.vectors import Vectors
from pan_keras.bundle.writer import write_bundle

__all__ = ["SCHEMA_VERSION", "Bundle", "ModelFile", "Vectors", "is_bundle", "write_bundle"]
