"""The model card of a bundle."""

import json

from pan_keras.bundle.description import model_card

HOSTILE = "a|b\x1b[2J\n# <script>alert(1)</script> [x](http://example.org) `c`"


def test_untrusted_names_are_escaped(bundle):
    facts = json.loads((bundle / "model.json").read_text())
    good = model_card(facts)
    facts["name"] = HOSTILE
    facts["labels"] = [HOSTILE, *facts["labels"][1:]]
    facts["calibration"]["data"] = HOSTILE
    facts["licence"] |= {"data": HOSTILE, "citation": HOSTILE}
    page = model_card(facts)
    assert "\x1b" not in page
    assert "\n# \\<script" not in page
    assert not [line for line in page.splitlines()[1:] if line.startswith("# ")]
    assert "](http" not in page.replace("\\](http", "")
    assert page.count("|") - page.count("\\|") == good.count("|")
