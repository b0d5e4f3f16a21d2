"""Versions of `model.json`: what changed, how earlier versions are read, and the JSON schema.

* 1: the first.
* 2: `input.fit` and `input.resizing` say how frames are fitted and resized. Readers of version 1
  would resize frames in their own way.
* 3: sampling, layout and resizing are numbers and enumerations instead of sentences; a state names
  the output that it is taken from; `conversion` and `quantisation` replace `facts`.
  `confidence` came later; a file without it means a temperature of 1 and no threshold, and a reader
  that does not know it gives the same classes with other probabilities, so the version is the same.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pan_keras.bundle.facts import LiveFacts
from pan_keras.clips.live_window import EARLY, LATE

if TYPE_CHECKING:
    import jsonschema

SCHEMA = Path(__file__).with_name("bundle.schema.json")
SCHEMA_VERSION = 3
OLDEST = 1
METHOD: Final = "middle-of-segments"
LAYOUT: Final = "FHWC"
NEXT = "next_"
QUANTISATION = ("quantiser", "calibration_clips", "float_ops")


def upgraded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` of any version would hold in the newest version.

    Args:
        facts: As they were read; `schema_version` is one that can be read.

    Returns:
        The facts of `SCHEMA_VERSION`; they may lack what the file lacks.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, ArithmeticError: If they are not of their
            form.
    """
    newest = dict(facts)
    if newest["schema_version"] == SCHEMA_VERSION:
        return newest
    newest["schema_version"] = SCHEMA_VERSION
    given = {"fit": "crop", "resizing": 1, **newest["input"], "layout": LAYOUT}
    given.pop("filter", None)
    newest["input"] = given
    if isinstance(newest.get("sampling"), dict):
        newest["sampling"] = _sampling(newest["sampling"], given)
    newest["artefacts"] = [_model(record) for record in newest["artefacts"]]
    return newest


def live_facts(segments: int, stack: int, rate: float | None, stride: float) -> LiveFacts:
    """`sampling.live` of `model.json`.

    Args:
        segments: Segments of a clip, N.
        stack: Adjacent frames of a segment, m.
        rate: Frames per second of the training clips; None where they have none.
        stride: Frames from the start of one segment to that of the next.
    """
    frames = segments * stride + stack - 1
    return {
        "stride": stride,
        "window_frames": frames,
        "window_seconds": None if rate is None else frames / rate,
        "early": EARLY,
        "late": LATE,
    }


def state_output(name: str, outputs: Mapping[str, Any]) -> str:
    """Returns the name of the output that a state is taken from.

    In TFLite it is the state's own name. In ONNX names are unique, so it has the prefix `next_`.

    Args:
        name: Name of the state.
        outputs: The outputs of the model by name.
    """
    return name if name in outputs else f"{NEXT}{name}"


def violations(facts: Any) -> Iterator[str]:
    """Yields one sentence for each violation of the schema.

    Args:
        facts: Content of a `model.json` of the newest version.
    """
    for error in _validator().iter_errors(facts):
        place = ".".join(map(str, error.absolute_path)) or "model.json"
        yield f"{place}: {error.message:.300}"


def _sampling(sampling: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    rate, live = sampling.get("frame_rate"), sampling.get("live")
    newest: dict[str, Any] = {"method": METHOD, "frame_rate": rate}
    if isinstance(live, dict) and "stride" in live:
        newest["live"] = live_facts(given["segments"], given["stack"], rate, live["stride"])
    return newest


def _model(record: Mapping[str, Any]) -> dict[str, Any]:
    outputs = {output["name"]: output for output in record["signature"]["outputs"]}
    states = [
        {**state, "output": state_output(state["name"], outputs)} for state in record["states"]
    ]
    kept = {key: fact for key, fact in record.items() if key != "facts"}
    told = split_facts(record["facts"]) if "facts" in record else {}
    return {**kept, "states": states, **told}


def split_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Splits the facts about a model file into `conversion` and `quantisation`.

    Args:
        facts: Facts from conversion and quantisation in one dictionary.
    """
    quantisation = {key: value for key, value in facts.items() if key in QUANTISATION}
    conversion = {key: value for key, value in facts.items() if key not in QUANTISATION}
    return {"conversion": conversion, "quantisation": quantisation or None}


@cache
def _validator() -> "jsonschema.Draft202012Validator":
    import jsonschema  # noqa: PLC0415 (a device that only runs models gets by without)

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
