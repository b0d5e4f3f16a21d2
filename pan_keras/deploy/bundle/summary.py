"""A bundle for a person at a terminal."""

from collections.abc import Mapping
from typing import Any

from pan_keras.runtime.bundle import Bundle

COLUMNS = ("file", "bytes", "top-1", "lost", "agree", "off by", "ms")


def summary(bundle: Bundle) -> str:
    """One row a model file: size, accuracy, distance from the Keras model, time of a call."""
    measured = bundle.facts["reference"]["accuracy"]
    rows = [COLUMNS]
    if measured:
        rows.append(("the Keras model", "", f"{measured['top1']:.1%}", "", "", "", ""))
    for entry in bundle.facts["artefacts"]:
        accuracy, parity = entry["accuracy"], entry["parity"]
        rows.append(
            (
                entry["file"],
                f"{entry['bytes']:,}",
                f"{accuracy['top1']:.1%}" if accuracy else "",
                f"{accuracy['drop']['top1']:.1f}" if accuracy else "",
                f"{(accuracy or parity)['agreement']:.1%}",
                f"{largest_difference(entry):.2g}",
                f"{entry['speed']['milliseconds']:.1f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"{name:<{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        for name, *cells in rows
    ]
    where = f"{measured['clips']} clips of {measured['split']}" if measured else "no clips"
    lines += [f"{name}: {doubt}" for name, doubt in doubts(bundle.facts)]
    return "\n".join([f"{bundle.path}: {bundle.facts['name']}, measured on {where}", *lines])


def largest_difference(entry: Mapping[str, Any]) -> float:
    """The largest difference of a logit from the Keras model on anything that was compared.

    Args:
        entry: One of the `artefacts` of `model.json`.
    """
    parity, accuracy = entry["parity"], entry["accuracy"] or {}
    found = parity["difference"], parity["edge_difference"], accuracy.get("difference", 0.0)
    return max(found)


def doubts(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """File and sentence of what is beyond a limit of the recipe, but may be chance."""
    measured = [(entry["file"], entry["accuracy"] or {}) for entry in facts["artefacts"]]
    return [(file, accuracy["doubt"]) for file, accuracy in measured if "doubt" in accuracy]
