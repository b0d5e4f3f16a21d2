"""Small stand-ins for published data sets, in the layout in which their authors distribute them.

Each has clips of several sizes and lengths, a clip that is missing, one that is broken and one that
no label file names.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from video_files import moving_frames, write_frames, write_video

SIZES = ((36, 48), (48, 36), (40, 40))  # height, width
UCF_CLASSES = ("ApplyEyeMakeup", "Archery", "HandstandPushups")
HMDB_CLASSES = ("brush_hair", "climb_stairs", "wave")
KINETICS_CLASSES = ("abseiling", "shaking hands", "tango dancing")
JESTER_CLASSES = ("Swiping Left", "Swiping Right", "Thumb Up")
SOMETHING = {
    "Holding [something]": ["a cup"],
    "Moving [something] up": ["a pen"],
    "Putting [something] on [something]": ["a book", "a table"],
}
SOMETHING_CLASSES = tuple(each.replace("[", "").replace("]", "") for each in SOMETHING)


@dataclass(frozen=True)
class StandIn:
    """A stand-in and what a reader must find in it.

    Args:
        root: Its folder.
        classes: The classes in the official order.
        splits: Usable clips by split, for each fold.
        reasons: Beginning of the reason of each clip that is left out.
    """

    root: Path
    classes: tuple[str, ...]
    splits: tuple[dict[str, int], ...]
    reasons: dict[str, str]


def frames_of(number):
    height, width = SIZES[number % len(SIZES)]
    return moving_frames(5 + number % 4, height, width, seed=number)


def frame_folder(path, number):
    return write_frames(path, frames_of(number), "{:05d}.jpg")


def avi(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, frames_of(number), codec="mpeg4")


def webm(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, frames_of(number), codec="libvpx", cpu_used=8, deadline="realtime")


def mp4(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, frames_of(number), preset="ultrafast")


def make_twentybn(root, folder, classes, write, write_lists):
    """Three training clips and a validation clip of each class, and two test clips.

    Clip 3 is missing, clip 5 broken, clip 99 not listed.
    """
    lists = {"train": [], "validation": [], "test": []}
    number = 0
    for label in range(len(classes)):
        for split in ("train", "train", "train", "validation"):
            number += 1
            lists[split].append((str(number), label))
    lists["test"] = [("13", None), ("14", None)]
    for name in [*map(str, range(1, 15)), "99"]:
        if name != "3":
            write(root / folder / name, int(name))
    write_lists(root, lists)
    reasons = {"3": "missing", "5": "broken", "13": "no label", "14": "no label"}
    return lists, reasons


def make_something_v1(root):
    def write_lists(root, lists):
        prefix = root / "something-something-v1-"
        labels = [*reversed(SOMETHING_CLASSES)]
        Path(f"{prefix}labels.csv").write_text("\n".join(labels) + "\n")
        write_csv_lists(prefix, lists, SOMETHING_CLASSES)

    folder = "20bn-something-something-v1"
    _, reasons = make_twentybn(root, folder, SOMETHING, frame_folder, write_lists)
    cut(root / folder / "5" / "00001.jpg")
    reasons[f"{folder}/99"] = "not listed"
    return StandIn(root, SOMETHING_CLASSES, ({"train": 7, "val": 3},), reasons)


def make_jester(root):
    def write_lists(root, lists):
        prefix = root / "labels" / "jester-v1-"
        prefix.parent.mkdir(parents=True)
        Path(f"{prefix}labels.csv").write_text("\n".join(JESTER_CLASSES) + "\n")
        write_csv_lists(prefix, lists, JESTER_CLASSES)

    folder = "20bn-jester-v1"
    _, reasons = make_twentybn(root, folder, JESTER_CLASSES, frame_folder, write_lists)
    for frame in (root / folder / "5").iterdir():
        frame.unlink()
    reasons[f"{folder}/99"] = "not listed"
    return StandIn(root, JESTER_CLASSES, ({"train": 7, "val": 3},), reasons)


def write_csv_lists(prefix, lists, classes):
    for split, rows in lists.items():
        lines = [name if label is None else f"{name};{classes[label]}" for name, label in rows]
        Path(f"{prefix}{split}.csv").write_text("\n".join(lines) + "\n")


def make_something_v2(root):
    templates = list(SOMETHING)
    # Numbers in another order than that of the alphabet.
    classes = tuple(reversed(SOMETHING_CLASSES))

    def write_lists(root, lists):
        (root / "labels").mkdir(parents=True)
        numbers = {label: str(number) for number, label in enumerate(classes)}
        (root / "labels" / "labels.json").write_text(json.dumps(dict(sorted(numbers.items()))))
        for split, rows in lists.items():
            entries = [v2_entry(name, label, templates) for name, label in rows]
            (root / "labels" / f"{split}.json").write_text(json.dumps(entries))

    def write(path, number):
        return webm(path.with_suffix(".webm"), number)

    folder = "20bn-something-something-v2"
    _, reasons = make_twentybn(root, folder, SOMETHING, write, write_lists)
    cut(root / folder / "5.webm", 40)
    reasons[f"{folder}/99.webm"] = "not listed"
    return StandIn(root, classes, ({"train": 7, "val": 3},), reasons)


def v2_entry(name, label, templates):
    if label is None:
        return {"id": name}
    objects = SOMETHING[templates[label]]
    text = templates[label]
    for each in objects:
        text = text.replace("[something]", each, 1)
    return {
        "id": name,
        "label": text.lower(),
        "template": templates[label],
        "placeholders": objects,
    }


def make_kinetics(root):
    """A copy below splits and classes with underscores, of which one clip lies elsewhere."""
    rows = {"train": [], "val": [], "test": []}
    number = 0
    for label in KINETICS_CLASSES:
        for split in ("train", "train", "train", "val"):
            number += 1
            video = f"-vid_{number:05}"
            start = 7 * number
            rows[split].append((label, video, start, start + 10))
            if number == 3:
                continue
            place = root / split / label.replace(" ", "_")
            mp4(place / f"{video}_{start:06}_{start + 10:06}.mp4", number)
    broken = root / "train" / "shaking_hands" / "-vid_00005_000035_000045.mp4"
    cut(broken, 60)
    mp4(root / "train" / "abseiling" / "stray.mp4", 20)
    (root / "annotations").mkdir()
    for split, lines in rows.items():
        name = {"val": "validate"}.get(split, split)
        with (root / "annotations" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("label", "youtube_id", "time_start", "time_end", "split"))
            writer.writerows([(*line, name) for line in lines])
    reasons = {
        "-vid_00003_000021_000031": "missing",
        "-vid_00005_000035_000045": "broken",
        "train/abseiling/stray.mp4": "not listed",
    }
    return StandIn(root, KINETICS_CLASSES, ({"train": 7, "val": 3},), reasons)


def make_ucf101(root):
    """Six clips of each class, in groups of two; fold N tests group N."""
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    text = "".join(f"{n} {label}\n" for n, label in enumerate(UCF_CLASSES, 1))
    (lists / "classInd.txt").write_text(text)
    names = []
    for place, label in enumerate(UCF_CLASSES):
        # The one class whose files have another spelling than their folder.
        stem = label.replace("stand", "Stand")
        for number in range(6):
            name = f"{label}/v_{stem}_g{1 + number // 2:02}_c{1 + number % 2:02}.avi"
            names.append((name, place + 1, 1 + number // 2))
            avi(root / "UCF-101" / name, 6 * place + number)
    for fold in (1, 2, 3):
        train = [f"{name} {label}\r\n" for name, label, group in names if group != fold]
        test = [f"{name}\r\n" for name, label, group in names if group == fold]
        (lists / f"trainlist0{fold}.txt").write_text("".join(train), newline="")
        (lists / f"testlist0{fold}.txt").write_text("".join(test), newline="")
    missing, broken = "Archery/v_Archery_g01_c01.avi", "Archery/v_Archery_g02_c02.avi"
    (root / "UCF-101" / missing).unlink()
    cut(root / "UCF-101" / broken, 100)
    avi(root / "UCF-101" / "Archery" / "v_Archery_g99_c01.avi", 30)
    reasons = {
        missing: "missing",
        broken: "broken",
        "UCF-101/Archery/v_Archery_g99_c01.avi": "not listed",
    }
    splits = ({"train": 11, "test": 5}, {"train": 11, "test": 5}, {"train": 10, "test": 6})
    return StandIn(root, UCF_CLASSES, splits, reasons)


def make_hmdb51(root):
    """Five clips of each class; each fold tests one, leaves one out and trains on the others."""
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    for place, label in enumerate(HMDB_CLASSES):
        names = [f"{label}_#{n}_(x)_u_cm_np1_fr_goo_{n}.avi" for n in range(5)]
        for number, name in enumerate(names):
            avi(root / label / name, 5 * place + number)
        for fold in (1, 2, 3):
            use = {fold: 2, fold - 1: 0}
            lines = [f"{name} {use.get(number, 1)} \n" for number, name in enumerate(names)]
            (lists / f"{label}_test_split{fold}.txt").write_text("".join(lines))
    missing, broken = (f"brush_hair/brush_hair_#{n}_(x)_u_cm_np1_fr_goo_{n}.avi" for n in (4, 1))
    (root / missing).unlink()
    cut(root / broken, 100)
    avi(root / "brush_hair" / "again.avi", 30)
    reasons = {missing: "missing", broken: "broken", "brush_hair/again.avi": "not listed"}
    splits = ({"train": 8, "test": 2}, {"train": 8, "test": 3}, {"train": 7, "test": 3})
    return StandIn(root, HMDB_CLASSES, splits, reasons)


def cut(path, size=30):
    """Leaves the first bytes of a file."""
    path.write_bytes(path.read_bytes()[:size])


MAKERS = {
    "something-v1": make_something_v1,
    "something-v2": make_something_v2,
    "jester": make_jester,
    "kinetics400": make_kinetics,
    "ucf101": make_ucf101,
    "hmdb51": make_hmdb51,
}
