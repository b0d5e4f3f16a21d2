"""Motion vectors stay correct under every transform of the image."""

import numpy as np
import pytest

from pan_keras.clips import fields
from pan_keras.clips.augmentation import Augmentation, turned
from pan_keras.clips.crops import Framing
from pan_keras.clips.opencv_resizing import resize
from pan_keras.flow import OpticalFlow

STEP = 20 / 127  # pixels


def random_field(*shape, seed=0, largest=19.0):
    return np.random.default_rng(seed).uniform(-largest, largest, (*shape, 2))


def constant(height, width, across, down):
    return np.broadcast_to(np.float32([across, down]), (height, width, 2))


def test_bytes_are_rounded_and_zero_motion_stays_zero():
    field = random_field(40, 50, largest=25.0)
    expected = np.clip(np.rint(field.astype("float64") / STEP), -127, 127) + 128
    np.testing.assert_array_equal(fields.to_bytes(field), expected)
    np.testing.assert_array_equal(fields.to_bytes(np.zeros(3)), 128)
    inside = np.abs(field) <= 20
    back = fields.from_bytes(fields.to_bytes(field))
    assert np.abs(back - field)[inside].max() <= STEP / 2 + 1e-6
    np.testing.assert_array_equal(fields.to_bytes(back), fields.to_bytes(field))


def test_mirroring_negates_the_horizontal_component():
    field = random_field(3, 6, 8)
    stored = fields.to_bytes(field)
    expected = fields.to_bytes(field[:, :, ::-1] * [-1, 1])
    np.testing.assert_array_equal(fields.mirrored(stored), expected)
    np.testing.assert_array_equal(fields.mirrored(fields.mirrored(stored)), stored)


@pytest.mark.parametrize("size", [(60, 40), (15, 80), (13, 17), (90, 200)])
def test_vectors_are_scaled_with_the_image(size):
    found = fields.resize_field(constant(30, 50, 3.0, -2.0), size)
    expected = np.array([3.0 * size[1] / 50, -2.0 * size[0] / 30])
    assert found.shape == (*size, 2)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-5)


def test_the_picture_of_a_field_is_scaled_as_frames_are():
    bytes_ = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    frame = resize(bytes_, (20, 24)).astype("float64")
    field = fields.resize_field(bytes_[..., :2].astype(np.float32), (20, 24))
    shares = field / np.array([24 / 50, 20 / 30])
    assert np.abs(shares - frame[..., :2]).max() < 2  # frames are rounded after each step


def test_a_field_in_bytes_is_scaled_as_its_pixels_are():
    field = fields.from_bytes(fields.to_bytes(random_field(12, 16, largest=8.0)))
    found = fields.resize_bytes(fields.to_bytes(field), (18, 32))
    np.testing.assert_array_equal(found, fields.to_bytes(fields.resize_field(field, (18, 32))))


@pytest.mark.parametrize("fit", ["crop", "letterbox", "squash"])
def test_fields_are_framed_as_frames_are(fit):
    framing = Framing(48, fit) if fit == "crop" else Framing((48, 48), fit)
    field = framing(constant(24, 32, 2.0, 1.0), fields.resize_field)
    frame = framing(np.full((24, 32, 3), 255, np.uint8), resize)
    across, down = {"crop": (2, 2), "letterbox": (1.5, 1.5), "squash": (1.5, 2)}[fit]
    assert field.dtype == np.float32
    shown = frame[..., :1] > 0
    expected = np.where(shown, [2.0 * across, 1.0 * down], 0)
    np.testing.assert_allclose(field, expected, rtol=1e-6)


def texture(height=80, width=96, seed=1):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 4 + 2, width // 4 + 2, 3)).astype(np.uint8)
    return resize(coarse, (height + 16, width + 16))


def test_a_mirrored_crop_of_the_flow_is_the_flow_of_the_mirrored_crops():
    large, flow = texture(), OpticalFlow("farneback")
    # The content moves three pixels to the right and two up.
    earlier, later = large[8:72, 11:91], large[10:74, 8:88]
    cut = np.s_[8:56, 16:64]
    whole = fields.to_bytes(flow(earlier, later))
    of_field = fields.mirrored(whole[cut][None])[0]
    of_frames = fields.to_bytes(flow(earlier[:, ::-1], later[:, ::-1]))[:, ::-1][cut][:, ::-1]
    for found in (of_field, of_frames):
        np.testing.assert_allclose(
            np.median(fields.from_bytes(found), axis=(0, 1)), [-3, -2], atol=STEP
        )
    assert np.mean(np.abs(of_field.astype(int) - of_frames) <= 1) > 0.95


def vary(pictures, seed, **options):
    rng = np.random.default_rng(seed)
    vary = Augmentation(**options)
    if pictures.shape[-1] == 2:
        return vary.of_fields(pictures, (24, 32), rng), rng
    return vary(pictures, (24, 32), rng, np.zeros(len(pictures))), rng


@pytest.mark.parametrize("crop", ["random", "multiscale", "centre"])
def test_frames_and_fields_of_a_seed_are_drawn_the_same_change(crop, monkeypatch):
    drawn, draw = [], Augmentation._draw

    def noted(*args):
        drawn.append(draw(*args))
        return drawn[-1]

    monkeypatch.setattr(Augmentation, "_draw", noted)
    for seed in range(8):
        ends = [
            vary(np.zeros((2, 36, 48, channels), np.uint8), seed, crop=crop, flip=True, zoom=0.1)[1]
            for channels in (3, 2)
        ]
        of_frames, of_fields = drawn[-2:]
        assert of_frames[:6] == of_fields[:6]
        assert ends[0].random() == ends[1].random()  # the same number of draws
    assert len({each.box for each in drawn}) > (crop != "centre")
    assert {each.flips for each in drawn} == {False, True}


@pytest.mark.parametrize("crop", ["random", "centre"])
def test_fields_are_cut_and_mirrored_where_the_frames_of_a_seed_are(crop):
    rows, columns = np.mgrid[:36, :48]
    # Grey levels and vertical components encode the position.
    frames = np.stack([columns * 2 + 60, rows * 2 + 60, rows * 0], axis=-1).astype(np.uint8)
    down = np.stack([rows * 0 + 128, columns * 2 + 60], axis=-1).astype(np.uint8)
    for seed in range(12):
        options = {"crop": crop, "flip": True}
        seen, _ = vary(frames[None], seed, **options)
        found, _ = vary(down[None], seed, **options)
        np.testing.assert_array_equal(found[0, ..., 1], seen[0, ..., 0])


def test_exposure_does_not_change_fields():
    stored = fields.to_bytes(random_field(2, 36, 48))
    plain, _ = vary(stored, 3, crop="random")
    lit, _ = vary(stored, 3, crop="random", brightness=0.5, contrast=0.5, exposure=0.5)
    np.testing.assert_array_equal(lit, plain)


@pytest.mark.parametrize(("degrees", "zoom"), [(90, 1.0), (30, 1.0), (0, 1.25), (-40, 0.8)])
def test_vectors_are_rotated_with_the_image(degrees, zoom, monkeypatch):
    vary = Augmentation(crop="centre", rotation=100.0, zoom=0.5)
    draw = Augmentation._draw
    monkeypatch.setattr(
        Augmentation,
        "_draw",
        lambda *args: draw(*args)._replace(degrees=float(degrees), zoom=zoom),
    )
    stored = fields.to_bytes(constant(40, 40, 4.0, 1.0))[None]
    found = fields.from_bytes(vary.of_fields(stored, (40, 40), np.random.default_rng(0)))
    # Clockwise on screen, where y points down: a quarter turn maps right to down.
    angle = np.radians(np.float64(degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = zoom * turn @ fields.from_bytes(stored)[0, 0, 0]
    np.testing.assert_allclose(found[0], np.broadcast_to(expected, (40, 40, 2)), atol=STEP)


def test_a_turned_frame_shows_that_turns_are_clockwise():
    frame = np.zeros((41, 41, 3), np.uint8)
    frame[18:23, 36:] = 255  # on the right
    found = turned(frame[None], (0, 0, 41, 41), (41, 41), 90.0, 1.0)[0]
    assert found[38, 20].min() > 200  # at the bottom after a quarter turn
