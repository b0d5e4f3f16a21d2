"""Damages video files and JSON facts for tests."""

import numpy as np
from hypothesis import strategies as st


def damaged(content: bytes, count: int, seed: int):
    """Yields `count` damaged variants of a file: (what was done, bytes)."""
    rng = np.random.default_rng(seed)
    ways = (truncated, flipped, swapped, emptied, blanked)
    for number in range(count):
        way = ways[number % len(ways)]
        yield f"{number:03d}_{way.__name__}", way(content, rng)


def truncated(content, rng):
    return content[: int(len(content) * rng.random())]


def flipped(content, rng):
    """Changes up to 64 bytes, anywhere or in the header."""
    data = bytearray(content)
    end = len(data) if rng.random() < 0.5 else min(2048, len(data))
    for place in rng.integers(0, end, 2 ** rng.integers(0, 7)):
        data[place] = rng.integers(0, 256)
    return bytes(data)


def swapped(content, rng):
    """Swaps two pieces among the first or last bytes, where headers are."""
    length = int(rng.choice([4, 16, 64, 256]))
    edge = min(4096, len(content) // 2 - length)
    first = int(rng.integers(0, edge))
    second = int(rng.integers(0, edge)) + (len(content) // 2 if rng.random() < 0.5 else 0)
    data = bytearray(content)
    data[first : first + length] = content[second : second + length]
    data[second : second + length] = content[first : first + length]
    return bytes(data)


def emptied(content, rng):
    """Truncates to nothing or to the first bytes."""
    return content[: int(rng.choice([0, 0, 1, 8, 32]))]


def blanked(content, rng):
    """Zeros a range, as after a failed download."""
    start = int(rng.integers(0, len(content)))
    length = int(rng.integers(1, len(content) // 2))
    return (content[:start] + bytes(length) + content[start + length :])[: len(content)]


def put_anywhere(facts, data, values):
    """Puts a drawn value at a drawn position, up to five levels deep, into facts from JSON."""
    place, key = facts, data.draw(st.sampled_from(sorted(facts)))
    for _ in range(data.draw(st.integers(0, 5))):
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner:
            break
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        place, key = inner, data.draw(st.sampled_from(keys))
    place[key] = data.draw(values)
