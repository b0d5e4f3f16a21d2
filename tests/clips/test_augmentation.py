"""Augmentation applies the same random change to all frames of a clip, within its limits."""

import json
import random

import numpy as np
import pytest
from golden_files import FOLDER

from pan_keras.clips.augmentation import (
    Augmentation,
    fixed_places,
    jitter,
    lit,
    multiscale_box,
    multiscale_shapes,
    turned,
)
from pan_keras.errors import UserError

ROWS = json.loads((FOLDER / "multiscale_crop.json").read_text())


def clip(height=84, width=112, count=4):
    """Identical frames; red encodes the column, green the row."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = np.arange(width)
    frame[..., 1] = np.arange(height)[:, None]
    frame[..., 2] = 100
    return np.stack([frame] * count)


def vary(frames, size=(72, 96), seed=0, **options):
    times = np.arange(len(frames)) // 2 / 2  # stacks of two frames
    return Augmentation(**options)(frames, size, np.random.default_rng(seed), times)


@pytest.mark.parametrize("row", [r for r in ROWS if "seed" in r], ids=str)
def test_multiscale_boxes_are_those_of_the_reference(row):
    draw = random.Random(row["seed"]).randrange
    left, top, width, height = multiscale_box((row["h"], row["w"]), (224, 224), draw)
    assert [width, height, left, top] == row["result"]


@pytest.mark.parametrize(
    "row", [r for r in ROWS if "seed" not in r], ids=lambda r: f"{r['w']}x{r['h']}"
)
def test_multiscale_shapes_and_places_are_those_of_the_reference(row):
    frame_size = (row["h"], row["w"])
    shapes = multiscale_shapes(frame_size, (224, 224))
    assert [list(shape) for shape in shapes] == row["pairs_w_h"]
    places = fixed_places(frame_size, shapes[0][::-1])
    assert [list(place) for place in places] == row["offsets_for_first_pair"]


def test_the_largest_multiscale_window_is_the_whole_frame():
    assert multiscale_shapes((15, 15), (22, 22))[0] == (15, 15)
    assert multiscale_shapes((30, 60), (22, 44))[0] == (60, 30)


@pytest.mark.parametrize("crop", ["random", "multiscale", "centre"])
@pytest.mark.parametrize("frame_size", [(84, 112), (112, 84), (85, 301), (72, 96), (40, 40)])
def test_frames_of_every_size_give_the_requested_size(crop, frame_size):
    for seed in range(20):
        found = vary(clip(*frame_size), crop=crop, seed=seed, flip=True, brightness=0.2)
        assert found.shape == (4, 72, 96, 3)
        assert found.dtype == np.uint8


@pytest.mark.parametrize("crop", ["random", "multiscale"])
def test_all_frames_of_a_clip_are_changed_alike(crop):
    for seed in range(20):
        found = vary(clip(), crop=crop, seed=seed, flip=True, brightness=0.3, contrast=0.3)
        assert (found == found[:1]).all()


def test_the_same_seed_gives_the_same_change():
    options = {"crop": "multiscale", "flip": True, "brightness": 0.2, "contrast": 0.2}
    np.testing.assert_array_equal(vary(clip(), **options), vary(clip(), **options))
    assert (vary(clip(), **options) != vary(clip(), seed=1, **options)).any()


def test_random_crops_reach_every_place():
    corners = {tuple(vary(clip(), seed=seed)[0, 0, 0, :2].tolist()) for seed in range(3000)}
    assert {x for x, _ in corners} == set(range(17))
    assert {y for _, y in corners} == set(range(13))


def test_the_centre_crop_is_the_centre():
    assert vary(clip(), crop="centre")[0, 0, 0].tolist() == [8, 6, 100]


def is_mirrored(found):
    return found[0, 0, 0, 0] > found[0, 0, -1, 0]


def test_half_of_the_clips_are_mirrored_and_only_where_allowed():
    assert not any(is_mirrored(vary(clip(), seed=seed)) for seed in range(100))
    mirrored = sum(is_mirrored(vary(clip(), seed=seed, flip=True)) for seed in range(400))
    assert 160 < mirrored < 240


def test_switching_the_flip_on_leaves_the_crop_as_it_was():
    for seed in range(20):
        plain, flipped = vary(clip(), seed=seed), vary(clip(), seed=seed, flip=True)
        if is_mirrored(flipped):
            flipped = flipped[:, :, ::-1]
        np.testing.assert_array_equal(plain, flipped)


def test_brightness_and_contrast_stay_in_their_bounds():
    levels = [int(vary(clip(), seed=seed, brightness=0.2)[0, 0, 0, 2]) for seed in range(300)]
    assert 49 <= min(levels) < 55
    assert 145 < max(levels) <= 151
    steps = np.zeros((1, 84, 112, 3), np.uint8) + np.uint8(78)
    steps[:, ::2] += np.uint8(100)
    spans = [np.ptp(vary(steps, seed=seed, contrast=0.2).astype(int)) for seed in range(300)]
    assert 79 <= min(spans) < 82
    assert 118 < max(spans) <= 121


def test_jitter_clips_at_black_and_white():
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert jitter(ramp, 0.5, 1.0).max() == 255
    assert jitter(ramp, -0.5, 1.0).min() == 0
    np.testing.assert_array_equal(jitter(ramp, 0.0, 1.0), ramp)
    dark = ramp // 8 + 20
    assert jitter(dark, 0.0, 1.6).mean() == pytest.approx(dark.mean(), abs=0.5)
    assert jitter(ramp, 0.0, 2.0).reshape(-1)[[0, 96, 160, 255]].tolist() == [0, 64, 192, 255]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": "corner"}, "augmentation.crop: 'corner' is not one of random"),
        ({"brightness": -0.1}, "augmentation.brightness"),
        ({"contrast": 1.5}, "augmentation.contrast"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(UserError, match=message):
        Augmentation(**options)


def test_a_rotation_of_zero_is_a_crop():
    frames = clip()
    same = turned(frames, (5, 3, 96, 72), (72, 96), degrees=0.0, zoom=1.0)
    np.testing.assert_array_equal(same, frames[:, 3:75, 5:101])


def test_a_quarter_turn_is_clockwise():
    square = clip()[:, :60, :60]
    quarter = turned(square, (0, 0, 60, 60), (60, 60), degrees=90.0, zoom=1.0)
    np.testing.assert_array_equal(quarter, np.rot90(square, k=-1, axes=(1, 2)))


def test_zoom_enlarges_about_the_centre():
    larger = turned(clip(), (0, 0, 112, 84), (84, 112), degrees=0.0, zoom=2.0)
    middle = 111 / 2
    columns = larger[0, 40, :, 0].astype(float)
    np.testing.assert_allclose(columns, middle + (np.arange(112) - middle) / 2, atol=0.6)


def test_rotation_and_zoom_stay_within_their_bounds_and_hold_for_the_whole_clip():
    plain = vary(clip()).astype(int)
    for seed in range(20):
        varied = vary(clip(), seed=seed, crop="centre", rotation=10.0, zoom=0.1)
        assert varied.shape == plain.shape
        assert (varied == varied[:1]).all()
        positions = varied[0].astype(float)
        along = (positions[36, 60, :2] - positions[36, 36, :2]) / 24
        assert 1 / 1.1 - 0.06 <= np.hypot(*along) <= 1 / 0.9 + 0.06
        assert abs(np.degrees(np.arctan2(along[1], along[0]))) <= 10 + 4


@pytest.mark.parametrize(
    "options", [{"rotation": 180.0}, {"rotation": -1.0}, {"zoom": 1.0}, {"exposure": 1.0}]
)
def test_impossible_rotation_zoom_or_exposure_is_refused(options):
    with pytest.raises(UserError, match="at least 0 and below"):
        Augmentation(**options)


def test_exposure_varies_between_stacks_and_not_within_them():
    frames = clip(count=8)
    lights = []
    for seed in range(200):
        varied = vary(frames, seed=seed, crop="centre", exposure=0.2)
        levels = varied[:, 0, 0, 2].astype(float)
        np.testing.assert_array_equal(varied[0::2], varied[1::2])
        plain = vary(frames, seed=seed, crop="centre")
        wanted = np.clip(np.round(plain * (levels / 100)[:, None, None, None]), 0, 255)
        assert np.abs(varied - wanted).max() <= 1.3  # the measured level is rounded too
        lights.append(np.log(levels / 100))
    assert np.std(lights) == pytest.approx(0.2, rel=0.2)
    assert np.std(np.diff(lights, axis=1)) > 0.01


def test_exposure_saturates_at_white():
    frames = np.full((2, 1, 2, 3), 200, np.uint8)
    np.testing.assert_array_equal(lit(frames, np.array([2.0, 0.5]))[:, 0, 0, 0], [255, 100])
