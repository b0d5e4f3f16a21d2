"""The part of a report that shows what was exported."""

import hashlib

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.reports.page import Content, Html, element, table
from pan_keras.runs.run import Run

HEADER = ("file", "precision", "top-1", "lost, points", "KB", "ms")


def bundle_section(run: Run) -> Html | None:
    """Precision, accuracy, size and time of the files in the run's bundle; None without one."""
    folder = run.path / "bundle"
    if not is_bundle(folder):
        return None
    facts = Bundle.open(folder).facts
    title = element("h2", "On a device")
    model = run.path / "model.keras"
    current = model.is_file() and hashlib.sha256(model.read_bytes()).hexdigest()
    if facts["source"]["model_sha256"] != current:
        text = f"The bundle is of an earlier model: pan-keras export {run.path} makes it anew."
        return element("section", title, element("p", text))
    rows: list[tuple[Content, ...]] = []
    measured = facts["reference"]["accuracy"]
    if measured:
        size = f"{model.stat().st_size / 1000:.0f}"
        rows.append(("model.keras", "float32", f"{measured['top1']:.1%}", "", size, ""))
    for entry in facts["artefacts"]:
        accuracy = entry["accuracy"]
        rows.append(
            (
                entry["file"],
                entry["precision"],
                f"{accuracy['top1']:.1%}" if accuracy else "",
                f"{accuracy['drop']['top1']:.1f}" if accuracy else "",
                f"{entry['bytes'] / 1000:.0f}",
                f"{entry['speed']['milliseconds']:.1f}",
            )
        )
    speed = facts["artefacts"][0]["speed"]
    note = (
        f"Each file was held against the Keras model before it was written. Time of one call, "
        f"{speed['threads']} threads, {speed['machine']}."
    )
    text = element("p", note, class_="note")
    return element("section", title, text, table(HEADER, rows, texts=2))
