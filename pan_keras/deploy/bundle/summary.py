"""A bundle for a person at a terminal."""

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
                f"{parity['difference']:.2g}",
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
    return "\n".join([f"{bundle.path}: {bundle.facts['name']}, measured on {where}", *lines])
