"""A bundle described for people: the model card and a table for the terminal."""

from typing import cast

from pan_keras.bundle.facts import CalibrationFacts, Facts, InputFacts, ModelFacts
from pan_keras.bundle.reader import Bundle
from pan_keras.printable import in_markdown

COLUMNS = ("file", "bytes", "top-1", "lost", "agree", "off by", "ms")
PRECISIONS = {
    "float32": "as trained",
    "float16": "weights in half precision",
    "dynamic": "weights in 8 bits, arithmetic between layers in float",
    "int8": "weights and arithmetic in 8 bits",
}
RESIZING = {
    1: "cv2.INTER_AREA where a frame shrinks, cv2.INTER_LINEAR where it grows",
    2: "bilinear in integer arithmetic, in steps: halved while at least twice the target size, "
    "then "
    "via twice the target size",
}
WHOLE_VIDEO = (
    "segment i starts at frame max(0, floor(tick / 2 + tick * i)), tick = (frames - stack + 1) / "
    "segments, and has `stack` adjacent frames; past the end the last frame repeats"
)
LIVE = (
    "frames are dropped or repeated to match `frame_rate`; segment i is then the "
    "`stack` adjacent frames from number floor(stride / 2 + stride * i), and a step of a streaming "
    "model; the last `segments` of them are a clip"
)


def model_card(facts: Facts) -> str:
    """Returns the text of `MODEL_CARD.md`.

    Args:
        facts: Content of `model.json`.
    """
    sections = [
        f"# {in_markdown(facts['name'])}\n\n![A clip and its motion](preview.png)",
        _what(facts),
        _table(facts),
        _doubts(facts),
        _classes(facts),
        _confidence(facts),
        _input(facts),
        _float_ops(facts),
        _origin(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _what(facts: Facts) -> str:
    labels = ", ".join(map(in_markdown, facts["labels"]))
    return (
        f"Recognises {len(facts['labels'])} classes in video: {labels}. "
        f"{facts['reference']['parameters']:,} parameters. Normalisation is inside the model: it "
        "takes bytes as they come from the decoder."
    )


def _table(facts: Facts) -> str:
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
        f"largest difference of a logit from the Keras model on all clips compared: "
        f"{facts['artefacts'][0]['parity']['clips']} real clips, black, white and repeated frames, "
        "and the clips that accuracy was measured on; agreement is the share of clips with the "
        "same most probable class. A `step` file takes one segment of a stream per call.",
    ]
    return "\n".join(lines)


def _doubts(facts: Facts) -> str:
    lines = [f"* {file}: {doubt}." for file, doubt in doubts(facts)]
    for entry in facts["artefacts"]:
        accuracy = entry["accuracy"]
        ties = accuracy.get("near_ties") if accuracy else None
        if ties and ties["clips"]:
            lines.append(
                f"* {entry['file']}: on {ties['clips']} clips the two largest logits are within "
                f"{ties['margin']:.1g}, so that rounding decides which class comes first; "
                f"the class of {ties['changed']} of them differs from that of Keras."
            )
    return "\n".join(["## Doubts", "", *lines]) if lines else ""


def _classes(facts: Facts) -> str:
    measured = facts["reference"]["accuracy"]
    if not measured:
        return "Accuracy was not measured at export."
    columns = [
        (entry["file"], entry["accuracy"]) for entry in facts["artefacts"] if entry["accuracy"]
    ]
    every = [measured, *(accuracy for _, accuracy in columns)]
    lines = [
        "## Accuracy",
        "",
        f"On {measured['clips']} clips, {measured['split']} of {in_markdown(measured['data'])}; "
        "recall per class.",
        "",
        f"| Class | Keras | {' | '.join(file for file, _ in columns)} |",
        "|---|---:|" + "---:|" * len(columns),
        _row("top-5", [accuracy["top5"] for accuracy in every]),
        _row("mean per class", [accuracy["mean_class"] for accuracy in every]),
    ]
    for label in measured["per_class"]:
        recalls = [accuracy["per_class"][label] for accuracy in every]
        lines.append(_row(in_markdown(label), recalls))
    return "\n".join(lines)


def _row(name: str, shares: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |"


def _confidence(facts: Facts) -> str:
    fitted = facts.get("confidence")
    if fitted is None:
        return ""
    lines = [
        "## Probabilities",
        "",
        f"Softmax of the logits over a temperature of {fitted['temperature']:.4g}, fitted on "
        f"{fitted['clips']} clips of {fitted['split']}; their expected calibration error is "
        f"{fitted['error_before']:.3f} without it and {fitted['error_after']:.3f} with it.",
    ]
    if fitted["threshold"] is not None:
        others = f" and {fitted['negatives']} of no class" if fitted["negatives"] else ""
        lines.append(
            f"The answer is unknown up to a probability of {fitted['threshold']:.4g}. This "
            "threshold was "
            f"chosen on these clips{others}, for wrong answers on at most "
            f"{fitted['false_alarms']:.3g} of them."
        )
    return "\n".join(lines)


def _input(facts: Facts) -> str:
    given, sampling = facts["input"], facts["sampling"]
    rate = sampling["frame_rate"]
    at = f" at about {rate:.3g} frames per second" if rate else ""
    return (
        "## Input\n\n"
        f"`frames`, uint8 `({given['segments'] * given['stack']}, {given['height']}, "
        f"{given['width']}, 3)`, RGB: {given['segments']} segments of {given['stack']} adjacent "
        f"frames{at}. {_fit(given)} ({RESIZING[given['resizing']]}).\n\n"
        f"* A whole video: {WHOLE_VIDEO}.\n"
        f"* Live: {LIVE}; `stride` is {sampling['live']['stride']}."
    )


def _fit(given: InputFacts) -> str:
    if given["fit"] == "letterbox":
        return "The whole frame is scaled to fit the size and centred on black"
    if given["fit"] == "squash":
        return "The whole frame is scaled to the size without keeping its aspect ratio"
    return (
        f"A frame is resized to a shorter side of {given['resize']} pixels, then its centre is "
        "cut out"
    )


def _float_ops(facts: Facts) -> str:
    lines = [
        f"* {entry['file']}: {operation}: {reason}"
        for entry in facts["artefacts"]
        for operation, reason in (entry["quantisation"] or {}).get("float_ops", {}).items()
    ]
    return "\n".join(["## Operations left in float", "", *lines]) if lines else ""


def _calibration(facts: CalibrationFacts) -> list[str]:
    if not facts["clips"]:
        return []
    line = f"* Calibrated with {facts['clips']} clips of {in_markdown(facts['data'])}"
    if "videos" in facts:
        line += f" ({facts['videos']} videos of {facts['classes']} classes)"
    return [f"{line}: {facts['rule']} (seed {facts['seed']})" if "rule" in facts else line]


def _origin(facts: Facts) -> str:
    source, licence = facts["source"], facts["licence"]
    data = in_markdown(source["data"]["source"] if source["data"] else "unknown")
    run = in_markdown(source["run"] or "unknown")
    lines = [
        "## Provenance",
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


def summary(bundle: Bundle) -> str:
    """Returns a table for the terminal with one row per model file.

    Its columns are size, accuracy, agreement with and largest difference from the Keras model, and
    time per call.

    Args:
        bundle: A valid bundle.
    """
    facts = cast(Facts, bundle.facts)
    measured = facts["reference"]["accuracy"]
    rows = [COLUMNS]
    if measured:
        rows.append(("the Keras model", "", f"{measured['top1']:.1%}", "", "", "", ""))
    for entry in facts["artefacts"]:
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
    lines += [f"{name}: {doubt}" for name, doubt in doubts(facts)]
    return "\n".join([f"{bundle.path}: {facts['name']}, measured on {where}", *lines])


def largest_difference(entry: ModelFacts) -> float:
    """Returns the largest difference of a logit from the Keras model's, over all clips compared.

    Args:
        entry: One of the `artefacts` of `model.json`.
    """
    parity, accuracy = entry["parity"], entry["accuracy"]
    measured = accuracy.get("difference", 0.0) if accuracy else 0.0
    return max(parity["difference"], parity["edge_difference"], measured)


def doubts(facts: Facts) -> list[tuple[str, str]]:
    """Lists results beyond a limit of the recipe that may be due to chance: file and sentence.

    Args:
        facts: Content of `model.json`.
    """
    return [
        (entry["file"], accuracy["doubt"])
        for entry in facts["artefacts"]
        if (accuracy := entry["accuracy"]) and "doubt" in accuracy
    ]
