"""Prepares cases before they are measured: files, references and counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.process import CaseError, CaseProcess, keras_backend
from pan_keras.bench.row import Measured

LONGEST = 300.0  # time limit in seconds for one file, reference or count
Progress = Callable[[str], object]


class Builder:
    """A process that may import anything, since nothing is timed in it.

    It is started on first use, and restarted if it has died.

    Args:
        folder: Where files are written.
        progress: Called with a line of text about the current step.
    """

    def __init__(self, folder: Path, progress: Progress):
        self.folder = folder
        self.progress = progress
        self._process: CaseProcess | None = None

    def count(self, measured: Sequence[Measured], function: str) -> None:
        """Adds the fields that a function computes for each case, such as multiply-accumulates.

        Args:
            measured: The cases.
            function: `module:function` that takes a case and returns fields of its row.
        """
        self.progress("counting")
        for each in measured:
            # Only Keras graphs have operations to count.
            if not each.case.source:
                continue
            try:
                each.known |= self._call(function, each.case)
            except CaseError as error:
                each.error = each.error or str(error)

    def references(
        self, measured: Sequence[Measured], functions: Mapping[str, str]
    ) -> dict[str, np.ndarray]:
        """Returns the arrays that answers are compared with, by key.

        Args:
            measured: The cases; those whose reference fails get an error.
            functions: `module:function` by the key of the reference; it takes a case.
        """
        arrays: dict[str, np.ndarray] = {}
        for key in sorted({each.case.reference for each in measured if not each.error} - {""}):
            self.progress(f"reference {key}")
            waiting = [each for each in measured if each.case.reference == key]
            try:
                arrays[key] = self._call(functions[key], waiting[0].case)
            except CaseError as error:
                for each in waiting:
                    each.error = each.error or f"its reference cannot be computed: {error}"
        return arrays

    def files(self, measured: Sequence[Measured]) -> None:
        """Makes the files of each case that needs them, and sets their folder in its options."""
        for number, each in enumerate(measured):
            function = "" if each.error else _builder_of(each.case)
            if not function:
                continue
            self.progress(f"build {each.case.name}")
            place = self.folder / str(number)
            place.mkdir()
            try:
                self._call(function, each.case, place)
            except CaseError as error:
                each.error = str(error)
            each.case = replace(each.case, options={**each.case.options, "folder": str(place)})

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _call(self, function: str, *arguments: Any) -> Any:
        if self._process is None:
            self._process = CaseProcess(environment={"KERAS_BACKEND": keras_backend()})
        try:
            return self._process.request("call", function, *arguments, timeout=LONGEST)
        except CaseError:
            if not self._process.is_alive:
                self.close()
            raise


def _builder_of(case: Case) -> str:
    if case.builder or case.opener:
        return case.builder
    name = f"pan_keras.bench.targets.{case.target}"
    if find_spec(name) is None:
        return ""
    return f"{name}:build" if hasattr(import_module(name), "build") else ""
