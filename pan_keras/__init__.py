"""PAN: fast action recognition with persistence of appearance, from videos to a phone.

`import pan_keras as pan` is cheap, since names are imported on first use.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
