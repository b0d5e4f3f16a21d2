"""The run folders of the tests of training serve here too."""

from training.conftest import make_run, own_run, run, small_motions

__all__ = ["make_run", "own_run", "run", "small_motions"]
