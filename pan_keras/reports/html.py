"""Builds HTML pages with automatic escaping."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TypeAlias

from pan_keras.drawing.colours import PALETTE
from pan_keras.printable import printable, printable_lines

STYLE = Path(__file__).with_name("page.css")
VOID = ("img", "meta")
OPEN = 20  # rows up to which a table is shown open


class Html(str):
    """Text that is already HTML."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"


def element(tag: str, /, *children: Content, **attributes: str) -> Html:
    """Renders an element with its children.

    Args:
        tag: Name of the element.
        children: Texts, which are escaped; elements; iterables of both; `None` for nothing.
        attributes: Attribute values, which are escaped; `class_` stands for `class`, `_` for `-`.

    Example:
        >>> element("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    pairs = (
        (key.rstrip("_").replace("_", "-"), escape(printable(value)))
        for key, value in attributes.items()
    )
    opening = "".join([tag, *(f' {key}="{value}"' for key, value in pairs)])
    if tag in VOID:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{html(children)}</{tag}>")


def html(content: Content) -> Html:
    """Joins content into HTML, escaping plain text."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(escape(printable_lines(content)))
    return Html("".join(html(part) for part in content))


def table(header: Sequence[str], rows: Iterable[Sequence[Content]], texts: int = 1) -> Html:
    """Renders a table that scrolls on narrow pages.

    Args:
        header: Names of the columns.
        rows: Cells by row.
        texts: Number of text columns from the left; the others hold numbers.
    """

    def cells(tag: str, row: Sequence[Content]) -> Html:
        sides = ({} if column < texts else {"class_": "number"} for column in range(len(row)))
        return html(element(tag, cell, **side) for cell, side in zip(row, sides, strict=True))

    head = element("thead", element("tr", cells("th", header)))
    body = element("tbody", (element("tr", cells("td", row)) for row in rows))
    return element("div", element("table", head, body), class_="wide")


def section(title: str, note: str, *content: Content) -> Html:
    """Renders a section: a title, a note, and content."""
    return element("section", element("h2", title), element("p", note, class_="note"), content)


def columns(*parts: Content) -> Html:
    """Renders parts side by side, or stacked on narrow pages."""
    return element("div", (element("div", part) for part in parts), class_="columns")


def folded(content: Html, rows: int, name: str) -> Html:
    """Renders collapsible content, open if it has few rows."""
    if rows <= OPEN:
        return content
    return element("details", element("summary", f"{rows} {name}"), content)


def image(file: bytes, media_type: str, text: str) -> Html:
    """Renders an embedded picture.

    Args:
        file: The encoded picture.
        media_type: Such as `image/png`.
        text: Alternative text.
    """
    data = base64.b64encode(file).decode()
    return element("img", src=f"data:{media_type};base64,{data}", alt=text)


def page(title: str, sections: Sequence[Html]) -> str:
    """Renders a complete, self-contained page.

    Args:
        title: Title of the window.
        sections: Its sections.
    """
    variables = "".join(f"--{name}:{colour};" for name, colour in PALETTE.items())
    style = Html(f":root{{{variables}}}\n{STYLE.read_text(encoding='utf-8')}")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", style),
    )
    body = element("body", element("main", sections))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"
