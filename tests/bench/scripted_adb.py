"""A fake adb for tests: a real program that follows a script, with a folder as the phone.

The folder in `SCRIPTED_ADB` holds `script.json` and the files of the phone, in `phone/`; each call
is appended to `calls.jsonl` there.
"""

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

PLACE = Path(os.environ["SCRIPTED_ADB"])
SCRIPT = json.loads((PLACE / "script.json").read_text())
EXTRAS = PLACE / "extras.json"


def on_phone(path):
    return PLACE / "phone" / path.lstrip("/")


def say(text, code=0):
    sys.stdout.write(text)
    sys.exit(code)


def count(name):
    """Returns how often it was called before with this name, and counts the call."""
    file = PLACE / name
    known = int(file.read_text()) if file.exists() else 0
    file.write_text(str(known + 1))
    return known


def start(words):
    """Handles `am start`: checks the bundle that the app is given; results are written later."""
    if "am" in SCRIPT["faults"]:
        say(f"Starting: Intent\nError type 3\nError: {SCRIPT['faults']['am']}\n")
    flags = words[words.index("-n") + 2 :]
    extras = {flags[place + 1]: flags[place + 2] for place in range(0, len(flags), 3)}
    assert set(flags[::3]) == {"--es"}
    assert (on_phone(extras["bundle"]) / "model.json").is_file()
    EXTRAS.write_text(json.dumps(extras))
    say("Starting: Intent { cmp=pan.demo/.BenchmarkActivity }\n")


def is_file(path):
    """Handles `test -f`: the results appear after some polls."""
    if EXTRAS.exists() and count("polls") >= SCRIPT["polls"] and "results" in SCRIPT:
        target = (
            on_phone("/sdcard/Android/data/pan.demo/files") / json.loads(EXTRAS.read_text())["out"]
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(SCRIPT["results"])
    sys.exit(0 if on_phone(path).is_file() else 1)


def benchmark(words):
    """Runs the binary, which must have been pushed with its model."""
    program, model, *_ = words[words.index("sh", 2) + 1 :]
    assert os.access(on_phone(program), os.X_OK)
    assert on_phone(model.removeprefix("--graph=")).is_file()
    say(SCRIPT["binary"])


def files(words):
    match words:
        case ["rm", "-rf" | "-f", path]:
            target = on_phone(path)
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        case ["mkdir", "-p", path]:
            on_phone(path).mkdir(parents=True, exist_ok=True)
        case ["chmod", "-R", "a+rX", path]:
            assert on_phone(path).is_dir()
        case ["chmod", "755", path]:
            on_phone(path).chmod(0o755)
        case ["test", "-f", path]:
            is_file(path)
        case _:
            sys.exit(f"unknown: {words}")


def shell(words):
    match words:
        case ["pm", "path", "pan.demo"]:
            sys.exit(0 if SCRIPT["installed"] else 1)
        case ["getprop"]:
            say("".join(f"[{name}]: [{text}]\n" for name, text in SCRIPT["properties"].items()))
        case ["dumpsys", "battery"]:
            states = SCRIPT["battery"]
            say(states[min(count("battery"), len(states) - 1)])
        case ["pidof", "pan.demo"]:
            sys.exit(1 if "dead" in SCRIPT["faults"] else 0)
        case ["am", "start", *_]:
            start(words)
        case ["am", "force-stop", "pan.demo"]:
            pass
        case ["sh", "-c", *_]:
            benchmark(words)
        case _:
            files(words)


def main(arguments):
    with (PLACE / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    if arguments == ["devices"]:
        lines = "".join(f"{name}\t{state}\n" for name, state in SCRIPT["devices"].items())
        say(f"List of devices attached\n{lines}\n")
    assert arguments[:2] == ["-s", SCRIPT["serial"]], arguments
    match arguments[2:]:
        case ["shell", command]:
            if SCRIPT["faults"].get("hangs") in shlex.split(command):
                time.sleep(60)
            shell(shlex.split(command))
        case ["push", source, target]:
            if "push" in SCRIPT["faults"]:
                sys.exit(f"adb: error: {SCRIPT['faults']['push']}")
            if source.endswith("/."):
                shutil.copytree(source, on_phone(target), dirs_exist_ok=True)
            else:
                shutil.copy(source, on_phone(target))
        case ["pull", source, target]:
            shutil.copy(on_phone(source), target)
        case _:
            sys.exit(f"unknown: {arguments}")


main(sys.argv[1:])
