"""Pages of the site that are made from the code when it is built."""

import csv
import inspect
import json
import math
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from pan_keras.cli import main
from pan_keras.config.reference import Setting, reference, settings
from pan_keras.deploy.recipe import Recipe, load_recipe

RESULTS = Path(__file__).parents[2] / "export" / "results"
MEASURED = """# Measured tables

Each section is a file in `export/results/`, written by a command of the project. The files of
benchmarks have more columns than are shown: spread, machine, versions, commit.
"""
# Of the columns of a benchmark's rows, those that the site shows where a table has them.
SHOWN = (
    *("method", "depth", "graph", "precision", "target", "threads", "batch", "device"),
    *("macs", "parameters", "clips_per_second", "pairs_per_second", "frames_per_second"),
    *("p50_ms", "p95_ms", "processor_ms", "ratio", "ratio_low", "ratio_high", "memory_mb"),
    *("difference", "note", "error"),
)
COMMANDS = """# Commands

Every command and option of `pan-keras`. `pan-keras COMMAND --help` prints the same.
"""
CONFIGURATION = """# Configuration

Every key of a configuration file (TOML), also set by `--set SECTION.KEY=VALUE`. Defaults are those
of the recipe `small`; where the recipe `paper` differs, its value follows. `pan-keras settings`
prints the same.
"""
RECIPE = """# Export recipes

Every key of a recipe (TOML), which `pan-keras export --recipe` takes. Defaults are those of the
recipe `default`; a recipe states what differs from it.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds references made from the commands and the configuration, and measured tables."""
    for name, content in {
        "reference/commands.md": command_reference(),
        "reference/configuration.md": configuration_reference(),
        "reference/recipes.md": recipe_reference(),
        "results.md": result_tables(),
    }.items():
        files.append(File.generated(config, name, content=content))
    return files


def command_reference() -> str:
    """Markdown with a section per command."""
    return "\n\n".join([COMMANDS, *_command(main, click.Context(main, info_name="pan-keras"))])


def configuration_reference() -> str:
    """Markdown with one table per section."""
    parts = [CONFIGURATION]
    for section, members in groupby(settings(), key=lambda each: each.key.partition(".")[0]):
        rows = [_setting(each) for each in members]
        parts.append(f"\n## {section}\n")
        parts.append(_table(["Key", "Default", "`paper`", "Values", "Meaning"], rows))
    return "\n".join(parts) + "\n"


def recipe_reference() -> str:
    """Markdown with one table per section of an export recipe."""
    parts, default = [RECIPE], load_recipe()
    for section, members in groupby(reference(Recipe), key=lambda each: each.section):
        rows = [
            [
                f"`{each.key}`",
                _code(getattr(getattr(default, section), each.key)),
                ", ".join(filter(None, (each.kind, each.bounds))),
                each.description,
            ]
            for each in members
        ]
        parts.append(f"\n## {section}\n")
        parts.append(_table(["Key", "Default", "Values", "Meaning"], rows))
    return "\n".join(parts) + "\n"


def result_tables() -> str:
    """Markdown with a table per CSV file of measurements."""
    parts = [MEASURED]
    for path in sorted(RESULTS.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        parts.append(f"## {path.stem}")
        if "benchmark" not in rows[0]:
            parts.append(_table(list(rows[0]), [list(row.values()) for row in rows]))
            continue
        for name, members in groupby(rows, key=lambda row: row["benchmark"]):
            parts += [f"### {name}", _benchmark(list(members))]
    return "\n\n".join(parts) + "\n"


def _benchmark(rows: list[dict[str, str]]) -> str:
    values = {column: {row[column] for row in rows} for column in SHOWN}
    alike = ", ".join(
        f"{column} {v.pop()}" for column, v in values.items() if len(v) == 1 and all(v)
    )
    head = [column for column in SHOWN if len(values[column]) > 1]
    table = _table(head, [[row[column] for column in head] for row in rows])
    return f"In all rows: {alike}.\n\n{table}" if alike else table


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    if not isinstance(command, click.Group):
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"## {context.command_path}\n\n{inspect.cleandoc(command.help or '')}"
        yield f"```text\n{context.command_path} {usage}\n```"
        yield _table(["Option", "Values", "Default", "Meaning"], list(_options(command, context)))
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _command(below, click.Context(below, parent=context, info_name=name))


def _options(command: click.Command, context: click.Context) -> Iterator[list[str]]:
    for option in command.get_params(context):
        if isinstance(option, click.Option) and not option.hidden:
            flag = option.is_flag or option.count
            default = option.get_default(context)
            shown = "" if flag or default is None or "UNSET" in str(default) else f"`{default}`"
            values = "" if flag else _values(option, context)
            names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
            yield [names, values, shown, option.help or ""]


def _values(option: click.Option, context: click.Context) -> str:
    kind = option.type
    if isinstance(kind, click.Choice):
        return ", ".join(f"`{choice}`" for choice in kind.choices)
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        return f"{kind.name.removesuffix(' range')} `{kind._describe_range()}`"
    return option.make_metavar(context).lower()


def _setting(setting: Setting) -> list[str]:
    allowed = f"{setting.kind}, {setting.bounds}" if setting.bounds else setting.kind
    paper = "" if setting.paper == setting.default else _code(setting.paper)
    name = setting.key.partition(".")[2]
    return [f"`{name}`", _code(setting.default), paper, allowed, setting.help]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _code(value: object) -> str:
    if value is None:
        return "absent"
    if value == math.inf:
        return "`inf`"
    return f"`{json.dumps(value) if not isinstance(value, tuple) else list(value)}`"
