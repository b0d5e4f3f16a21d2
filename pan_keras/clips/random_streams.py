"""Random generators for each purpose, none of which draws what another one draws."""

import numpy as np

# Each purpose has a number of its own. A number that changes changes what a seed stands for.
ORDER, EXAMPLE, MIXUP = range(3)


def random_stream(seed: int, purpose: int, *place: int) -> np.random.Generator:
    """The generator of one purpose at one place.

    Args:
        seed: The seed of the training.
        purpose: `ORDER`, `EXAMPLE` or `MIXUP`.
        place: Where it is used, such as epoch and index.

    Example:
        >>> random_stream(7, ORDER, 3).permutation(4)
        array([2, 1, 0, 3])
    """
    # Words of the seed alone would not do: NumPy takes [s, e] and [s, e, 0] for the same.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *place)))
