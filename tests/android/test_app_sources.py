"""The app's manifest, documents and Gradle files agree with its sources."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from pan_keras.bench.targets import android

APP = Path(__file__).parents[2] / "android_demo"
KOTLIN = APP / "app/src/main/kotlin/pan/demo"
NAMESPACE = "{http://schemas.android.com/apk/res/android}"


def activities():
    root = ET.parse(APP / "app/src/main/AndroidManifest.xml").getroot()
    return {
        root.get("package") + activity.get(f"{NAMESPACE}name"): activity.attrib
        for activity in root.iter("activity")
    }


def extras(text):
    """Names in the table of extras of the app's README."""
    table = text.split("| Extra (`--es`) |")[1].split("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_the_manifest_declares_the_activity_started_by_the_benchmark_and_the_documents():
    app, _, name = android.ACTIVITY.partition("/")
    found = activities()[app + name]
    assert found[f"{NAMESPACE}exported"] == "true"
    assert found[f"{NAMESPACE}permission"] == "android.permission.DUMP"
    readme = (APP / "README.md").read_text(encoding="utf-8")
    assert f"am start -n {android.ACTIVITY} --es bundle" in readme
    assert android.RESULTS in readme


def test_each_activity_of_the_manifest_has_a_class_that_shrinking_keeps():
    kept = (APP / "app/proguard.pro").read_text(encoding="utf-8")
    for name in activities():
        simple = name.removeprefix("pan.demo.")
        assert f"class {simple} : Activity()" in (KOTLIN / f"{simple}.kt").read_text(
            encoding="utf-8"
        )
        assert f"-keep class {name} " in kept


def test_documents_app_and_benchmark_use_the_same_extras():
    source = (KOTLIN / "BenchmarkActivity.kt").read_text(encoding="utf-8")
    read = set(re.findall(r"(?:getStringExtra|numbers?)\(\"(\w+)\"\)", source))
    described = set(re.findall(r"^ \* - `(\w+)`:", source, re.MULTILINE))
    given = set(re.findall(r'"(\w+)": [f"N]', Path(android.__file__).read_text(encoding="utf-8")))
    documented = extras((APP / "README.md").read_text(encoding="utf-8"))
    assert documented == read == described
    assert {"bundle", "out"} <= given & documented


def test_every_source_set_of_the_gradle_build_exists():
    build = (APP / "gradle/app/build.gradle.kts").read_text(encoding="utf-8")
    paths = re.findall(r'demo\.resolve\("([^"]+)"\)', build)
    modules = re.search(r"listOf\(([^)]+)\)\.map \{ demo\.resolve\(\"\$it/(.+?)\"\)", build)
    paths = [path for path in paths if "$" not in path and not path.startswith("build/")]
    paths += [f"{name}/{modules[2]}" for name in re.findall(r'"(\w+)"', modules[1])]
    assert len(paths) >= 6
    for path in paths:
        assert (APP / path).exists(), path


def test_both_builds_have_the_same_kotlin_levels_and_signing_variables():
    plugins = (APP / "gradle/build.gradle.kts").read_text(encoding="utf-8")
    kotlin = re.search(r'kotlin\.android"\) version "([^"]+)"', plugins)[1]
    for pom in ("pom.xml", "app/pom.xml"):
        assert f"<kotlin.version>{kotlin}</kotlin.version>" in (APP / pom).read_text(
            encoding="utf-8"
        )
    gradle = (APP / "gradle/app/build.gradle.kts").read_text(encoding="utf-8")
    script = (APP / "build.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"PAN_\w+", gradle)) == set(re.findall(r"PAN_\w+", script))
    for gradle_name, flag in (
        ("minSdk", "--min-sdk-version"),
        ("targetSdk", "--target-sdk-version"),
    ):
        level = re.search(rf"{gradle_name} = (\d+)", gradle)[1]
        assert f"{flag} {level}" in script
