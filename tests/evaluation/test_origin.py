"""Origins of bundles, with arbitrary facts about their source."""

import dataclasses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pan_keras.errors import UserError
from pan_keras.evaluation.origin import Origin
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.runtime import Bundle

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
NAMES = st.sampled_from(["run", "model", "data", "model_sha256", "data_digest", "source", "root"])
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner), max_leaves=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_its_origin_is_read_or_refused_in_a_sentence(bundle, data):
    opened = Bundle.open(bundle)
    source = dict(opened.facts["source"])
    source[data.draw(NAMES)] = data.draw(JSON)
    facts = {**opened.facts, "source": data.draw(st.just(source) | JSON)}
    classifier = BundleClassifier(dataclasses.replace(opened, facts=facts))
    try:
        assert Origin.of(classifier).labels == opened.labels
    except UserError as error:
        assert "\n" not in str(error)
