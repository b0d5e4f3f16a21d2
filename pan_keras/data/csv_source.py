"""Reads CSV files as spreadsheets export them."""

import codecs
import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.data.clip import checked_label, split_of
from pan_keras.data.listing import Listing
from pan_keras.errors import UserError

LARGEST = 256 << 20  # bytes: millions of rows; a larger file is not a list of videos
DELIMITERS = ",;\t|"
# UTF-32 comes first, because its byte order mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Table:
    """Rows of a CSV file under lower-case column names.

    Args:
        path: The file.
        columns: Column names in lower case, without surrounding spaces.
        rows: Line number and unmodified values of each non-empty row; None for values missing in a
            short row.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str | None]], ...]


def read_table(path: Path, required: Sequence[str]) -> Table:
    """Reads a CSV file with a header line.

    The delimiter is the comma, semicolon, tab or `|` that yields the required columns, unless a
    first line such as Excel's `sep=;` sets it. The text is UTF-8, or UTF-16 or UTF-32 with a byte
    order mark. Column names are compared ignoring case and surrounding spaces. Empty rows are
    skipped.

    Args:
        path: The file.
        required: Names of the required columns.

    Raises:
        UserError: If the file cannot be read or is not such a table; the message names the line.

    Example:
        >>> read_table(Path("list.csv"), ["path", "label"]).rows[0]
        (2, {'path': 'a.mp4', 'label': 'wave'})
    """
    text = _text(path)
    skipped, delimiter, names = _header(path, text, required)
    columns = tuple(names)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    line = 1
    try:
        for cells in reader:
            # A quoted value may span several lines; the row is reported by its first line.
            begin, line = line, reader.line_num + 1
            if begin > skipped and any(cell.strip() for cell in cells):
                rows.append((begin, _row(path, begin, columns, cells)))
    except csv.Error as error:
        raise UserError(
            f"{path}, line {line}: this is not CSV ({error}); fix the quotes"
        ) from error
    return Table(path, tuple(name for name in columns if name), tuple(rows))


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a file; name a CSV file")
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(
                f"{path}: a CSV file of {size >> 20} MiB; split it into files of at most "
                f"{LARGEST >> 20} MiB"
            )
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; name a CSV file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    text = _decoded(path, content)
    if "\0" in text:
        raise UserError(
            f"{path}: this is not a CSV file in UTF-8 (it has zero bytes, as binary files and "
            "UTF-16 do); save it as CSV in UTF-8"
        )
    return text


def _decoded(path: Path, content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}: this is not a CSV file in {encoding.upper()}, as its first bytes "
                    "say; save it as CSV in UTF-8"
                ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error's position does not include the byte order mark.
        place = error.start + (3 if content.startswith(codecs.BOM_UTF8) else 0)
        line = content.count(b"\n", 0, place) + 1
        raise UserError(
            f"{path}, line {line}: this is not a CSV file in UTF-8 (byte {content[place]:#x}, in "
            f"Windows-1252 {bytes(content[place : place + 1]).decode('cp1252', 'replace')!r}); "
            "save it as CSV in UTF-8"
        ) from error


def _header(path: Path, text: str, required: Sequence[str]) -> tuple[int, str, list[str]]:
    """Returns the number of lines up to and including the header, delimiter and column names."""
    lines = io.StringIO(text, newline="")
    first = lines.readline().strip("\r\n")
    skipped, delimiters = 1, DELIMITERS
    if first.lower().startswith("sep=") and len(first) == 5:
        skipped, delimiters = 2, first[4]
        first = lines.readline().strip("\r\n")
    names: list[str] = []
    best = delimiters[0]
    for delimiter in delimiters:
        found = _names(first, delimiter)
        if sum(name in found for name in required) > sum(name in names for name in required):
            names, best = found, delimiter
    missing = [name for name in required if name not in names]
    if missing:
        raise UserError(
            f"{path}: the column {missing[0]!r} is missing; its first line must name the columns "
            f"{' and '.join(required)}, but is {first[:100]!a}"
        )
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise UserError(f"{path}: the column {twice[0]!r} appears twice; rename one")
    return skipped, best, names


def _names(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in cells]


def _row(
    path: Path, line: int, columns: Sequence[str], cells: Sequence[str]
) -> dict[str, str | None]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise UserError(
            f"{path}, line {line}: {len(cells)} values for {len(columns)} columns; quote "
            "values that contain the separator"
        )
    other = next((mark for mark in DELIMITERS if mark in cells[0]), None)
    if len(cells) == 1 < len(columns) and other:
        raise UserError(
            f"{path}, line {line}: {cells[0][:80]!a} is one value, since its separator {other!r} "
            "differs from that of the first line; use one separator throughout"
        )
    padded = [*cells, *[None] * (len(columns) - len(cells))]
    return {name: cell for name, cell in zip(columns, padded, strict=False) if name}


_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def list_csv(path: Path, root: Path | None = None) -> Listing:
    r"""Lists the videos of a CSV file with the columns `path`, `label` and, optionally, `split`.

    If a path does not exist as written, it is tried without surrounding spaces, then with `/` for
    `\`. Listed files are used even if hidden.

    Args:
        path: The CSV file.
        root: Folder that relative paths start from; by default that of the CSV.

    Raises:
        UserError: If a column or value is missing, a path is repeated, a split is unknown, or a
            label is invalid.
    """
    table = read_table(path, ("path", "label"))
    root = root or path.parent
    listing = Listing(path, path.with_name(f"{path.stem}.split.csv"), root)
    for line, row in table.rows:
        _add_row(listing, line, row, root, "split" in table.columns)
    if not listing.labels:
        raise UserError(f"{path}: it lists no videos; add a line for each")
    return listing


def _add_row(
    listing: Listing, line: int, row: dict[str, str | None], root: Path, has_split: bool
) -> None:
    place = f"{listing.source}, line {line}"
    name, label = row["path"] or "", row["label"] or ""
    if not name.strip() or not label.strip():
        raise UserError(f"{place}: path or label is empty; fill in both")
    path = _found(root, name, place)
    if path in listing.labels:
        raise UserError(
            f"{place}: {name.strip()} is already listed in line {listing.lines[path]}; remove one"
        )
    if has_split:
        split = split_of(row["split"] or "")
        if split is None:
            raise UserError(f"{place}: split is {row['split']!r}; it must be train, val or test")
        listing.splits[path] = split
    listing.labels[path] = checked_label(label, place)
    listing.lines[path] = line
    listing.columns[path] = {key: (value or "").strip() for key, value in row.items()}


def _found(root: Path, name: str, place: str) -> Path:
    tries = [name, name.strip(), name.strip().replace("\\", "/")]
    for text in dict.fromkeys(tries):
        path = root / text
        try:
            if path.exists():
                return path
        except OSError as error:
            reason = error.strerror
            raise UserError(
                f"{place}: no file can have the path {text[:80]!r} ({reason}); correct the path"
            ) from error
    if os.name != "nt" and _WINDOWS_DRIVE.match(name.strip()):
        raise UserError(
            f"{place}: {name.strip()} is a Windows path; write paths relative to the folder "
            "of this file, or to --root"
        )
    return root / name.strip()
