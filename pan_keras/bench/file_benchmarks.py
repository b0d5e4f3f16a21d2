"""Runs the benchmarks of several files as one."""

from collections.abc import Sequence

from pan_keras.bench.benchmark import Benchmark
from pan_keras.bench.row import Row


class FileBenchmarks:
    """Runs one benchmark per file, one after the other; cases take turns within a file.

    Args:
        benchmarks: One per file.

    Attributes:
        interrupted: Whether Ctrl-C ended it; the files that were left have no rows.
    """

    def __init__(self, benchmarks: Sequence[Benchmark]):
        self.benchmarks = benchmarks
        self.interrupted = False

    def run(self) -> list[Row]:
        """Measures all files.

        Returns:
            One row per case, file by file.
        """
        rows: list[Row] = []
        for benchmark in self.benchmarks:
            rows += benchmark.run()
            if benchmark.interrupted:
                self.interrupted = True
                break
        return rows
