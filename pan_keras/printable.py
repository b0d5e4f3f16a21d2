"""Makes untrusted text safe for terminals, logs and documents."""

import re

# Control characters, line and paragraph separators, bidirectional overrides, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_EXCEPT_LINES = re.compile(rf"(?![\n\t]){_UNPRINTABLE.pattern}")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
# Messages of this package that have several lines indent all but the first.
_FOREIGN_LINE = re.compile(r"\n(?!  )")


def printable(text: object) -> str:
    r"""Names and labels on one line, with everything that could steer a terminal escaped.

    Args:
        text: A file name, a label or anything else that came from outside.

    Returns:
        The text with control characters, line breaks, bidirectional overrides and bytes that are
        no Unicode written as `\uXXXX`, which is also how JSON writes them.

    Example:
        >>> printable("wave\x1b[2J")
        'wave\\u001b[2J'
    """
    return _UNPRINTABLE.sub(_escaped, str(text))


def printable_lines(text: object) -> str:
    """As `printable`, but line breaks and tabs stay: for whole outputs.

    Args:
        text: The lines.
    """
    return _EXCEPT_LINES.sub(_escaped, str(text))


def printable_message(text: object) -> str:
    """As `printable_lines`, but a line that is not indented is joined to the one before.

    A file name with a line break then cannot pass for a message of its own.

    Args:
        text: The message of an error.
    """
    return printable_lines(_FOREIGN_LINE.sub(r"\\u000a", str(text)))


def in_markdown(text: object) -> str:
    r"""A name or label as plain text in Markdown, in a cell of a table too.

    Args:
        text: A name that came from outside.

    Example:
        >>> in_markdown("a|b <script>")
        'a\\|b \\<script\\>'
    """
    return _MARKDOWN.sub(r"\\\1", printable(text))


def is_printable(text: str) -> bool:
    """Whether a name or label can be shown as it is, on one line."""
    return _UNPRINTABLE.search(text) is None


def is_text(name: str) -> bool:
    """Whether a name can be written down; bytes that are no UTF-8 become surrogates."""
    return name.isprintable() or not any("\ud800" <= character <= "\udfff" for character in name)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
