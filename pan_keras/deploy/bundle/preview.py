"""The picture of a bundle: what its first test clip looks like, to people and to the network."""

import keras
import numpy as np

from pan_keras.drawing.colours import heat_by_range
from pan_keras.drawing.panels import png, strip


def preview(model: keras.Model, clip: np.ndarray) -> bytes:
    """The first frame of each segment and, under it, the mean of its motion maps (PA), as PNG.

    Args:
        model: A video classifier; one without PA shows the frames alone.
        clip: uint8 `(N, m, H, W, 3)`.
    """
    rows = [strip(clip[:, 0])]
    tensors = model.intermediates(clip[None])
    motion = next((tensors[name] for name in tensors if name.split("/")[-1] == "motion"), None)
    if motion is not None:
        maps = keras.ops.convert_to_numpy(motion)[0].astype("float32").mean(axis=-1)
        rows.append(strip(heat_by_range(maps)))
    return png(np.vstack(rows))
