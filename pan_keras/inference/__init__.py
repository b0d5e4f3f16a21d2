"""Classifiers behind one protocol, and their predictions for files and live video.

Each name is imported when it is first asked for; a bundle needs neither TensorFlow nor Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
