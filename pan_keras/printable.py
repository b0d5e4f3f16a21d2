"""Makes untrusted text safe for terminals, logs and documents."""

import re

# Control characters, line and paragraph separators, bidirectional overrides, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_EXCEPT_LINES = re.compile(rf"(?![\n\t]){_UNPRINTABLE.pattern}")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
# Multi-line messages of this package indent all lines but the first.
_FOREIGN_LINE = re.compile(r"\n(?!  )")


def printable(text: object) -> str:
    r"""Escapes a name or label for output on one line, without terminal control sequences.

    Args:
        text: A file name, a label or other untrusted text.

    Returns:
        The text with control characters, line breaks, bidirectional overrides and bytes that are
        not Unicode written as `\uXXXX`, as in JSON.

    Example:
        >>> printable("wave\x1b[2J")
        'wave\\u001b[2J'
    """
    return _UNPRINTABLE.sub(_escaped, str(text))


def printable_lines(text: object) -> str:
    """Like `printable`, but keeps line breaks and tabs, for complete outputs.

    Args:
        text: The lines.
    """
    return _EXCEPT_LINES.sub(_escaped, str(text))


def printable_message(text: object) -> str:
    """Like `printable_lines`, but joins lines that are not indented to the previous one.

    A file name with a line break then cannot imitate a separate message.

    Args:
        text: The message of an error.
    """
    return printable_lines(_FOREIGN_LINE.sub(r"\\u000a", str(text)))


def in_markdown(text: object) -> str:
    r"""Escapes a name or label as plain text in Markdown, including table cells.

    Args:
        text: An untrusted name.

    Example:
        >>> in_markdown("a|b <script>")
        'a\\|b \\<script\\>'
    """
    return _MARKDOWN.sub(r"\\\1", printable(text))


def is_printable(text: str) -> bool:
    """Whether a name or label can be shown unescaped on one line."""
    return _UNPRINTABLE.search(text) is None


def is_text(name: str) -> bool:
    """Whether a name is valid Unicode; bytes that are not UTF-8 become surrogates."""
    return name.isprintable() or not any("\ud800" <= character <= "\udfff" for character in name)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
