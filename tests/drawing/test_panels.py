"""Pictures are placed side by side, and encoded as files that decode to them."""

import cv2
import numpy as np

from pan_keras.drawing.panels import jpeg, png, strip


def test_the_height_of_a_strip_is_limited():
    assert strip(np.zeros((2, 300, 400, 3), np.uint8)).shape == (96, 2 * 128, 3)
    small = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    np.testing.assert_array_equal(strip(small), np.hstack([small[0], small[1]]))


def test_files_decode_to_the_same_colours():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    for packed, near in ((png(red), 0), (jpeg(red), 4)):
        found = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_allclose(found.astype(int), red, atol=near)
