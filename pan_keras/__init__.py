"""PAN: fast action recognition by persistence of appearance, from videos to a phone."""

import sys
from pathlib import Path

__version__ = "0.1.0"

# Importing the package registers its layers and models with Keras, so that
# `keras.saving.load_model` finds them. The command line does so only where a command needs a
# model: `pan-keras --help` must not wait seconds for TensorFlow.
if Path(sys.argv[0]).stem != "pan-keras":
    from pan_keras import backbones, layers, models  # noqa: F401
