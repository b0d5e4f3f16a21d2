"""Makes what cases need before they are measured: files, references, counts."""

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

LONGEST = 300.0  # seconds that one file, reference or count may take
Progress = Callable[[str], object]


class Builder:
    """A process that may import what it likes, since nothing is timed in it.

    It is started when it is first needed, and anew if it has died.

    Args:
        folder: Where files go.
        progress: Called with one line on what is going on.
    """

    def __init__(self, folder: Path, progress: Progress):
        self.folder = folder
        self.progress = progress
        self._process: CaseProcess | None = None

    def count(self, measured: Sequence[Measured], function: str) -> None:
        """Adds to each case what a function knows of it, such as its multiply-accumulates.

        Args:
            measured: The cases.
            function: `module:function` that takes a case and gives fields of its row.
        """
        self.progress("counting")
        for each in measured:
            # What runs no Keras graph has nothing to be counted.
            if not each.case.source:
                continue
            try:
                each.known |= self._call(function, each.case)
            except CaseError as error:
                each.error = each.error or str(error)

    def references(
        self, measured: Sequence[Measured], functions: Mapping[str, str]
    ) -> dict[str, np.ndarray]:
        """The arrays that answers are compared with, by key.

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
        """Makes the files of each case that needs some, and tells it their folder."""
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
