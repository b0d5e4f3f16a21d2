"""Benchmarks of several files as one."""

from collections.abc import Sequence

from pan_keras.bench.benchmark import Benchmark
from pan_keras.bench.row import Row


class FileBenchmarks:
    """A benchmark a file, one after the other: cases take turns within a file.

    Args:
        benchmarks: One a file.

    Attributes:
        interrupted: Whether Ctrl-C ended it; files after that have no rows.
    """

    def __init__(self, benchmarks: Sequence[Benchmark]):
        self.benchmarks = benchmarks
        self.interrupted = False

    def run(self) -> list[Row]:
        """Measures everything.

        Returns:
            One row a case, file by file.
        """
        rows: list[Row] = []
        for benchmark in self.benchmarks:
            rows += benchmark.run()
            if benchmark.interrupted:
                self.interrupted = True
                break
        return rows
