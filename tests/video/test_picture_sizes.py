"""Summaries of picture sizes, and of the parts that a crop removes."""

import pytest

from pan_keras.video.picture_sizes import (
    CutAway,
    cut_away,
    cut_away_to_text,
    shape_of,
    sizes_to_text,
)


@pytest.mark.parametrize(
    ("size", "crop", "resize", "width", "height"),
    [
        ((256, 256), (224, 224), 256, 0.125, 0.125),
        ((1920, 1080), (224, 224), 224, 0.437, 0.0),
        ((1080, 1920), (224, 224), 224, 0.0, 0.437),
        ((640, 480), (72, 96), 72, 0.0, 0.0),
        # The crop is wider than the frame: its window shrinks in proportion.
        ((480, 640), (72, 96), 72, 0.0, 0.438),
        ((96, 96), (224, 224), 256, 0.125, 0.125),
    ],
)
def test_the_shares_are_those_of_the_evaluation_crop(size, crop, resize, width, height):
    (cut,) = cut_away([size], crop, resize)
    assert (cut.width, cut.height) == (width, height)


def test_clips_of_one_shape_are_counted_together_the_most_frequent_first():
    cuts = cut_away([(640, 480), (1280, 720), (320, 240), (1366, 768), (640, 360)], (8, 8), 8)
    assert [(cut.shape, cut.clips) for cut in cuts] == [("16:9", 3), ("4:3", 2)]


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((640, 480), "4:3"),
        ((480, 640), "3:4"),
        ((340, 256), "4:3"),
        ((352, 288), "1.22:1"),
        ((100, 1000), "1:10.00"),
        ((7, 7), "1:1"),
    ],
)
def test_a_shape_has_its_usual_name(size, shape):
    assert shape_of(*size) == shape


def test_few_sizes_are_listed_and_many_given_as_a_range():
    assert sizes_to_text([(32, 16), (32, 16), (8, 8)]) == "32x16 (2), 8x8 (1)"
    many = [(100 + n, 100) for n in range(110)] + [(100, 100)]
    assert sizes_to_text(many).startswith("110 from 100x100 to 209x100, most often 100x100 (2), ")
    assert len(sizes_to_text(many)) < 120


def test_rare_shapes_are_summarised():
    cuts = [CutAway(f"{n}:1", 10 - n, n / 10, 0.0) for n in range(7)]
    text = cut_away_to_text(cuts, (224, 224), 256)
    rest = "; up to 60% and 0% of other shapes (15 clips)"
    assert text.endswith(f"{rest} (model.fit=letterbox or squash keeps whole pictures)")
    assert not cut_away_to_text(cuts[:2], (224, 224), 256).endswith("pictures)")
    assert text.count("of the width") == 4
