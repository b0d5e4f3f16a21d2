"""A flow network learns: trained on shifted textures, it recovers the shift."""

import keras
import numpy as np
import pytest
from keras import ops

from pan_keras import flow

REACH, SIDE = 8, 64  # pixels

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="the same code, trained on one backend"
    ),
]


def shifted_textures(count, random):
    """Pairs `(count, 2, SIDE, SIDE, 3)` in 0..255 and the shift of each, x first."""
    side = SIDE + 2 * REACH
    texture = np.zeros((count, side, side, 3), "float32")
    for cells in (4, 8, 16):
        noise = random.normal(size=(count, cells, cells, 3)).astype("float32")
        texture += ops.convert_to_numpy(ops.image.resize(noise, (side, side), "bicubic"))
    low, high = (limit(texture, (1, 2, 3), keepdims=True) for limit in (np.min, np.max))
    texture = 255 * (texture - low) / (high - low)
    shifts = random.integers(-REACH, REACH + 1, (count, 2))
    earlier = texture[:, REACH:-REACH, REACH:-REACH]
    later = [
        one[REACH - y : REACH - y + SIDE, REACH - x : REACH - x + SIDE]
        for one, (x, y) in zip(texture, shifts, strict=True)
    ]
    return np.stack([earlier, later], 1), shifts.astype("float32")


def error(shift, predicted):
    """The end-point error in pixels of predictions in units of 20 pixels."""
    squares = ops.sum(ops.square(20 * predicted - shift[:, None, None]), axis=-1)
    return ops.mean(ops.sqrt(squares + 1e-6))


def test_flownet_s_recovers_shifts_of_textures_that_it_has_not_seen():
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    network = flow.create("flownet_s", size=SIDE, width=0.125)
    trained = keras.Model(network.input, network.predictions)
    trained.compile(keras.optimizers.Adam(1e-3), [error] * 5, loss_weights=[1, 0.5, 0.3, 0.3, 0.3])
    frames, shifts = shifted_textures(4800, random)
    trained.fit(frames, [shifts] * 5, batch_size=32, verbose=0)
    frames, shifts = shifted_textures(128, random)
    found = network.predict(frames, verbose=0)
    end_point = np.linalg.norm(found - shifts[:, None, None], axis=-1).mean()
    zero_flow = np.linalg.norm(shifts, axis=-1).mean()
    assert zero_flow > 6
    assert end_point < zero_flow / 2
