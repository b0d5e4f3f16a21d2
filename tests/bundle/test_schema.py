"""The schema, the types and the versions of `model.json`."""

import json
from pathlib import Path
from typing import get_args, get_type_hints, is_typeddict

import pytest
from damage import put_anywhere
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.bundle import SCHEMA_VERSION, Bundle, facts
from pan_keras.bundle.schema import SCHEMA, upgraded, violations
from pan_keras.clips.live_window import EARLY, LATE
from pan_keras.errors import UserError

BEFORE = Path(__file__).parents[1] / "golden" / "before"


def read(name):
    return json.loads((BEFORE / name / "bundle" / "model.json").read_text(encoding="utf-8"))


def schema_of(part, definitions):
    """Resolves a reference, an alternative to null, or the items of an array to an object."""
    if "$ref" in part:
        return schema_of(definitions[part["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in part:
        return schema_of(
            next(each for each in part["anyOf"] if each != {"type": "null"}), definitions
        )
    return schema_of(part["items"], definitions) if "items" in part else part


def type_of(hint):
    """Returns the typed dictionary in a hint, such as that of the elements of a list."""
    if is_typeddict(hint):
        return hint
    return next((found for each in get_args(hint) if (found := type_of(each))), None)


def check_keys(kind, part, definitions, place="model.json"):
    """Checks that a type and its schema have the same keys, recursively."""
    assert kind.__annotations__.keys() == set(part["properties"]), place
    for name, hint in get_type_hints(kind).items():
        inner = type_of(hint)
        if inner is not None:
            found = schema_of(part["properties"][name], definitions)
            check_keys(inner, found, definitions, f"{place}.{name}")


def test_types_and_schema_have_the_same_keys():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    check_keys(facts.Facts, schema, schema["$defs"])


def test_optional_keys_of_the_schema_are_optional_in_the_types():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    artefact, accuracy = (
        schema_of({"$ref": f"#/$defs/{name}"}, schema["$defs"]) for name in ("artefact", "accuracy")
    )
    assert set(accuracy["required"]) == facts.AccuracyFacts.__required_keys__
    # These two are not embedded in the model file.
    outside = {"bytes", "sha256"}
    assert set(artefact["required"]) == facts.ModelFacts.__required_keys__ | outside
    assert set(schema["required"]) == facts.Facts.__required_keys__ | {"files"}


def test_constants_of_the_schema_equal_those_of_the_code():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    live = schema["properties"]["sampling"]["properties"]["live"]["properties"]
    assert (live["early"]["const"], live["late"]["const"]) == (EARLY, LATE)
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION


@pytest.mark.parametrize("name", ["schema1", "schema2"])
def test_an_earlier_file_is_converted_to_the_newest_version(name):
    before = read(name)
    after = upgraded(before)
    assert before == read(name), "what was read is changed"
    assert list(violations(after)) == []
    assert "filter" not in after["input"]
    assert after["sampling"].keys() == {"method", "frame_rate", "live"}
    assert "rule" not in after["sampling"]["live"]
    assert after["sampling"]["frame_rate"] == before["sampling"]["frame_rate"]
    live, stride = after["sampling"]["live"], before["sampling"]["live"]["stride"]
    assert live["stride"] == stride
    assert live["window_frames"] == 4 * stride + 1
    assert live["window_seconds"] == live["window_frames"] / before["sampling"]["frame_rate"]
    for old, new in zip(before["artefacts"], after["artefacts"], strict=True):
        assert new["sha256"] == old["sha256"]
        assert new["conversion"]["ops"] == old["facts"]["ops"]
        quantised = new["quantisation"] is not None
        assert quantised == (old["precision"] == "int8")
        prefix = "next_" if old["format"] == "onnx" else ""
        outputs = [state["output"] for state in new["states"]]
        assert outputs == [f"{prefix}{state['name']}" for state in old["states"]]
        assert bool(outputs) == old["streaming"]


def test_a_file_of_the_newest_version_is_unchanged():
    after = upgraded(read("schema2"))
    assert upgraded(after) == after


@pytest.mark.parametrize(
    ("place", "value"),
    [("schema_version", 4), ("input.layout", "NHWC"), ("sampling.live.early", 0.3)],
)
def test_other_constants_violate_the_schema(place, value):
    after = upgraded(read("schema2"))
    *parents, name = place.split(".")
    inner = after
    for parent in parents:
        inner[parent] = dict(inner[parent])
        inner = inner[parent]
    inner[name] = value
    (problem,) = violations(after)
    assert problem.startswith(f"{place}: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("name", ["schema1", "schema2"])
@given(data=st.data())
def test_arbitrary_facts_of_an_earlier_file_are_read_or_refused(name, tmp_path_factory, data):
    given_facts = read(name)
    put_anywhere(given_facts, data, JSON | st.just(0))
    check_opens_or_refuses(name, tmp_path_factory.mktemp("facts"), given_facts)


@pytest.mark.parametrize("name", ["schema1", "schema2"])
@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("frame_rate", 0),
        ("frame_rate", 10**400),
        ("live", {"stride": 10**400}),
        ("live", {"stride": "two"}),
        ("live", {}),
        ("live", 3),
    ],
)
def test_arbitrary_sampling_of_an_earlier_file_is_read_or_refused(name, part, value, tmp_path):
    given_facts = read(name)
    given_facts["sampling"][part] = value
    check_opens_or_refuses(name, tmp_path, given_facts)


def check_opens_or_refuses(name, folder, given_facts):
    for file in (BEFORE / name / "bundle").iterdir():
        if file.name != "model.json":
            (folder / file.name).symlink_to(file)
    (folder / "model.json").write_text(json.dumps(given_facts))
    try:
        _ = Bundle.open(folder).live_sampling
    except UserError as error:
        assert str(folder) in str(error)
        assert "\n" not in str(error)
