"""The page of a bundle for people, written from the facts of `model.json`."""

from collections.abc import Mapping
from typing import Any

from pan_keras.deploy.bundle.summary import doubts, largest_difference
from pan_keras.printable import in_markdown

PRECISIONS = {
    "float32": "as trained",
    "float16": "weights in half precision",
    "dynamic": "weights in 8 bits, arithmetic between layers in float",
    "int8": "weights and arithmetic in 8 bits",
}


def model_card(facts: Mapping[str, Any]) -> str:
    """Writes `MODEL_CARD.md`.

    Args:
        facts: What `model.json` holds.
    """
    sections = [
        f"# {in_markdown(facts['name'])}\n\n![A clip and its motion](preview.png)",
        _what(facts),
        _table(facts),
        _doubts(facts),
        _classes(facts),
        _input(facts),
        _float_ops(facts),
        _origin(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _what(facts: Mapping[str, Any]) -> str:
    labels = ", ".join(map(in_markdown, facts["labels"]))
    return (
        f"Recognises {len(facts['labels'])} classes in video: {labels}. "
        f"{facts['reference']['parameters']:,} parameters. Normalisation is inside the model: it "
        "takes bytes as they come from the decoder."
    )


def _table(facts: Mapping[str, Any]) -> str:
    measured = facts["reference"]["accuracy"]
    lines = [
        "## Files",
        "",
        "| File | Precision | Bytes | Top-1 | Lost, points | Agreement | ms | Off by |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    if measured:
        lines.append(f"| the Keras model | float32 | | {measured['top1']:.1%} | | | | |")
    for entry in facts["artefacts"]:
        accuracy, parity = entry["accuracy"], entry["parity"]
        top1 = f"{accuracy['top1']:.1%}" if accuracy else ""
        lost = f"{accuracy['drop']['top1']:.1f}" if accuracy else ""
        agreement = (accuracy or parity)["agreement"]
        lines.append(
            f"| {entry['file']} | {PRECISIONS[entry['precision']]} | {entry['bytes']:,} | {top1} | "
            f"{lost} | {agreement:.1%} | {entry['speed']['milliseconds']:.1f} | "
            f"{largest_difference(entry):.2g} |"
        )
    speed = facts["artefacts"][0]["speed"]
    lines += [
        "",
        f"Time of one call with {speed['threads']} threads on {speed['machine']}. `Off by` is the "
        f"largest difference of a logit from the Keras model on all that was compared: "
        f"{facts['artefacts'][0]['parity']['clips']} real clips, black, white and repeated frames, "
        "and the clips that accuracy was measured on; agreement is the share of clips "
        "with its most probable class. A `step` file takes a stream one segment a call.",
    ]
    return "\n".join(lines)


def _doubts(facts: Mapping[str, Any]) -> str:
    lines = [f"* {file}: {doubt}." for file, doubt in doubts(facts)]
    for entry in facts["artefacts"]:
        ties = (entry["accuracy"] or {}).get("near_ties", {"clips": 0})
        if ties["clips"]:
            lines.append(
                f"* {entry['file']}: on {ties['clips']} clips the two largest logits are within "
                f"{ties['margin']:.1g}, so that rounding decides which class comes first; "
                f"{ties['changed']} of them get another class than from Keras."
            )
    return "\n".join(["## In doubt", "", *lines]) if lines else ""


def _classes(facts: Mapping[str, Any]) -> str:
    measured = facts["reference"]["accuracy"]
    if not measured:
        return "Accuracy was not measured at export."
    entries = [entry for entry in facts["artefacts"] if entry["accuracy"]]
    lines = [
        "## Accuracy",
        "",
        f"On {measured['clips']} clips, {measured['split']} of {in_markdown(measured['data'])}; "
        "recall of each class.",
        "",
        f"| Class | Keras | {' | '.join(entry['file'] for entry in entries)} |",
        "|---|---:|" + "---:|" * len(entries),
    ]
    rows = [("top-5", "top5"), ("mean of the classes", "mean_class")]
    for name, key in rows:
        values = [measured[key], *(entry["accuracy"][key] for entry in entries)]
        lines.append(f"| {name} | {' | '.join(f'{value:.1%}' for value in values)} |")
    for label, recall in measured["per_class"].items():
        values = [recall, *(entry["accuracy"]["per_class"][label] for entry in entries)]
        lines.append(f"| {in_markdown(label)} | {' | '.join(f'{value:.1%}' for value in values)} |")
    return "\n".join(lines)


def _input(facts: Mapping[str, Any]) -> str:
    given, sampling = facts["input"], facts["sampling"]
    rate = sampling["frame_rate"]
    at = f" at about {rate:.3g} frames a second" if rate else ""
    return (
        "## Input\n\n"
        f"`frames`, uint8 `({given['segments'] * given['stack']}, {given['height']}, "
        f"{given['width']}, 3)`, RGB: {given['segments']} segments of {given['stack']} adjacent "
        f"frames{at}. {_fit(given)} ({given['filter']}).\n\n"
        f"* A whole video: {sampling['offline']}.\n"
        f"* Live: {sampling['live']['rule']}; `stride` is {sampling['live']['stride']}."
    )


def _fit(given: Mapping[str, Any]) -> str:
    if given["fit"] == "letterbox":
        return "The whole frame is scaled into the size, in the middle of black"
    if given["fit"] == "squash":
        return "The whole frame is scaled to the size, whatever its proportions"
    return (
        f"A frame is resized to a shorter side of {given['resize']} pixels, then its centre is "
        "cut out"
    )


def _float_ops(facts: Mapping[str, Any]) -> str:
    lines = [
        f"* {entry['file']}: {operation}: {reason}"
        for entry in facts["artefacts"]
        for operation, reason in entry["facts"].get("float_ops", {}).items()
    ]
    return "\n".join(["## Operations left in float", "", *lines]) if lines else ""


def _calibration(facts: Mapping[str, Any]) -> list[str]:
    if not facts["clips"]:
        return []
    line = f"* Calibrated by {facts['clips']} clips of {in_markdown(facts['data'])}"
    if "videos" in facts:
        line += f" ({facts['videos']} videos of {facts['classes']} classes)"
    return [f"{line}: {facts['rule']} (seed {facts['seed']})" if "rule" in facts else line]


def _origin(facts: Mapping[str, Any]) -> str:
    source, licence = facts["source"], facts["licence"]
    data = in_markdown(source["data"]["source"] if source["data"] else "not known")
    run = in_markdown(source["run"] or "not known")
    lines = [
        "## Where it comes from",
        "",
        f"* Model: {in_markdown(source['model'])}, run: {run}",
        f"* Data: {data}; their licence: {in_markdown(licence['data'])}. "
        "The test vectors and the preview show clips of "
        f"{in_markdown(facts['calibration']['data'])}.",
        *_calibration(facts["calibration"]),
        f"* Code: {licence['code']}. Exported {facts['created']}.",
    ]
    if licence["citation"]:
        lines.append(f"* Cite: {in_markdown(licence['citation'])}")
    lines.append(
        "\nMade by pan-keras; the method is PAN (Zhang, Zou, Chen, Gan, "
        '"PAN: Towards Fast Action Recognition via Learning Persistence of Appearance").'
    )
    return "\n".join(lines)
