"""Generates the frames to measure on: a moving texture, the same for every method."""

import numpy as np

from pan_keras.bench.case import Work

SCALES = (2, 4, 8, 16, 32)  # pixels between the random values of each layer of the texture
FASTEST = 4.0  # pixels per frame


def moving_frames(work: Work, seed: int = 0) -> np.ndarray:
    """Renders clips in which a textured background and a textured disc move by subpixel steps.

    The time of optical flow depends on the content: constant or random frames would favour some
    methods. Every segment moves differently.

    Args:
        work: Number and size of the frames.
        seed: Seed of texture and motion.

    Returns:
        uint8 `(B * N, m, H, W, 3)`, RGB.

    Example:
        >>> moving_frames(Work(segments=2, stack=3, height=32, width=48)).shape
        (2, 3, 32, 48, 3)
    """
    generator = np.random.default_rng(seed)
    height, width = work.height, work.width
    margin = int(np.ceil(FASTEST * work.stack)) + 1
    textures = [_texture(generator, height + 2 * margin, width + 2 * margin) for _ in range(2)]
    rows, columns = np.mgrid[:height, :width]
    clips = np.empty((work.batch * work.segments, work.stack, height, width, 3), np.uint8)
    for clip in clips:
        velocities = generator.uniform(-FASTEST, FASTEST, (2, 2))
        centre = np.array([height, width]) * generator.uniform(0.35, 0.65, 2)
        for time, frame in enumerate(clip):
            back, front = (
                _window(texture, margin - time * velocity, height, width)
                for texture, velocity in zip(textures, velocities, strict=True)
            )
            row, column = centre + time * velocities[1]
            inside = np.hypot(rows - row, columns - column) < min(height, width) / 4
            frame[:] = np.where(inside[..., None], front, back)
    return clips


def _texture(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns noise of several scales, float32 `(height, width, 3)` in 0..255."""
    total = np.zeros((height, width, 3), np.float32)
    for scale in SCALES:
        shape = (height // scale + 2, width // scale + 2, 3)
        values = generator.uniform(-1, 1, shape).astype(np.float32) * scale**0.5
        for axis, length in enumerate((height, width)):
            position = np.arange(length) / scale
            left = position.astype(int)
            share = (position - left).astype(np.float32)
            share = np.expand_dims(share, tuple(other for other in range(3) if other != axis))
            values = (1 - share) * values.take(left, axis) + share * values.take(left + 1, axis)
        total += values
    low, high = total.min(), total.max()
    return 255 * (total - low) / (high - low)


def _window(texture: np.ndarray, start: np.ndarray, height: int, width: int) -> np.ndarray:
    """Crops a texture at a fractional position, by linear interpolation."""
    for axis, length in enumerate((height, width)):
        left = int(np.floor(start[axis]))
        share = np.float32(start[axis] - left)
        pair = [texture.take(range(at, at + length), axis) for at in (left, left + 1)]
        texture = (1 - share) * pair[0] + share * pair[1]
    return texture
