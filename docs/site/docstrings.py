"""Docstrings as the site's parser wants them."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)


class ExampleSections(Extension):
    """Shows `Example:` sections, as Keras writes them, as code."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Renames the section to the name that the parser knows."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub("Examples:", obj.docstring.value)
