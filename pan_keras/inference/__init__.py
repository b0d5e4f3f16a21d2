"""One classifier protocol, and predictions for files and live video.

Names are imported on first use, so that opening a bundle imports neither TensorFlow nor Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
