"""Settings that are not given are chosen from the clips, each with a reason."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pan_keras.config import load_config
from pan_keras.data import Card, Clip
from pan_keras.errors import UserError
from pan_keras.training.choosing import as_tables, choose_settings, frame_size


def clips_of(
    train=48, val=12, classes=("wave", "clap"), sizes=((320, 240),), frames=60, rate=25.0, card=None
):
    """Data of so many clips, whose sizes take turns."""
    clips = [
        Clip(Path(f"{number}.mp4"), number % len(classes), "train" if number < train else "val")
        for number in range(train + val)
    ]
    infos = {
        clip.path: SimpleNamespace(
            width=sizes[number % len(sizes)][0],
            height=sizes[number % len(sizes)][1],
            frames=frames,
            rate=rate,
        )
        for number, clip in enumerate(clips)
    }
    return SimpleNamespace(
        classes=tuple(classes),
        card=card,
        infos=infos,
        clips=lambda split: tuple(clip for clip in clips if clip.split == split),
    )


def chosen(data, *arguments, start=False, **options):
    choices = choose_settings(data, *arguments, can_start=lambda name: start, **options)
    assert all(choice.why for choice in choices)
    # Whatever is chosen is a configuration.
    load_config(card=as_tables(choices))
    return {choice.key: choice.value for choice in choices}


def test_few_clips_get_strong_variations():
    found = chosen(clips_of(48))
    strong = {"brightness": 0.35, "contrast": 0.6, "exposure": 0.25, "rotation": 15.0, "zoom": 0.15}
    assert {key: found[f"augmentation.{key}"] for key in strong} == strong
    assert found["training.mixup"] == 0.4
    many = chosen(clips_of(3000))
    assert many["augmentation.contrast"] < 0.6
    assert many["training.mixup"] < 0.4
    assert many["training.batch"] > found["training.batch"]


def test_available_pretrained_weights_determine_network_rate_and_epochs():
    started, fresh = chosen(clips_of(), start=True), chosen(clips_of())
    assert started["model.name"] == "pan_lite_mobilenetv2"
    assert started["model.weights"] == "imagenet"
    assert fresh["model.name"] == "pan_lite_micro"
    assert fresh["model.weights"] == "none"
    assert started["training.learning_rate"] < fresh["training.learning_rate"]
    assert started["training.epochs"] < fresh["training.epochs"]
    assert chosen(clips_of(6000))["model.name"] == "pan_lite_mobilenetv2"


def test_frames_of_one_shape_are_cropped_and_others_keep_the_whole_picture():
    same = chosen(clips_of(sizes=((214, 160), (216, 160))), start=True)
    assert (same["model.fit"], same["model.size"]) == ("crop", (88, 128))
    assert same["model.resize"] == 99
    cut = chosen(clips_of(sizes=((120, 200), (230, 100), (160, 160))), start=True)
    assert (cut["model.fit"], cut["model.size"]) == ("letterbox", (104, 104))


@pytest.mark.parametrize(
    ("aspect", "largest", "size"),
    [
        (4 / 3, (480, 640), (96, 128)),
        (16 / 9, (1080, 1920), (80, 144)),
        (9 / 16, (1920, 1080), (144, 80)),
        (1.0, (64, 64), (64, 64)),
        (5.0, (200, 1000), (72, 152)),
        (1.0, (20, 20), (32, 32)),
    ],
)
def test_a_frame_has_the_proportions_of_the_clips_and_is_not_enlarged(aspect, largest, size):
    assert frame_size(aspect, 96 * 128, largest) == size


def test_segments_and_frames_follow_length_and_rate():
    assert chosen(clips_of())["model.segments"] == 8
    assert chosen(clips_of(frames=500))["model.segments"] == 16
    assert chosen(clips_of())["model.stack"] == 3
    assert chosen(clips_of(rate=60.0))["model.stack"] == 5


def test_clips_are_mirrored_where_names_and_card_allow_it():
    assert chosen(clips_of())["augmentation.flip"] is True
    assert chosen(clips_of(classes=("left", "right")))["augmentation.flip"] is False
    for flip in (True, False):
        card = Card(name="own", title="Own", flip=flip)
        assert chosen(clips_of(classes=("7", "8"), card=card))["augmentation.flip"] is flip


def test_early_stopping_needs_enough_validation_clips():
    assert chosen(clips_of(val=12))["training.patience"] == 0
    assert chosen(clips_of(train=600, val=300))["training.patience"] > 0


def test_presets_take_more_or_less_time():
    fast, usual, accurate = (
        chosen(clips_of(sizes=((640, 480),)), preset, start=True)
        for preset in ("fast", "balanced", "accurate")
    )
    assert fast["model.name"] == "pan_lite_micro"
    pixels = [one["model.size"][0] * one["model.size"][1] for one in (fast, usual, accurate)]
    assert pixels == sorted(set(pixels))
    fresh = [
        chosen(clips_of(), preset)["training.epochs"] for preset in ("fast", "balanced", "accurate")
    ]
    assert fresh == sorted(set(fresh))
    with pytest.raises(UserError, match="there is no 'best'; the presets are fast, balanced"):
        choose_settings(clips_of(), "best")


def test_settings_of_the_user_are_kept_and_the_others_follow_them():
    given = {"model": {"name": "pan_lite_resnet18", "resize": 64}, "training": {"batch": 4}}
    found = chosen(clips_of(400), given=given)
    assert not {"model.name", "model.resize", "training.batch"} & found.keys()
    assert max(found["model.size"]) <= 64
    assert found["training.epochs"] == 26
    assert chosen(clips_of(400))["training.epochs"] == 52


def test_no_pretrained_weights_are_looked_for_if_the_user_wants_none():
    given = {"model": {"weights": "none"}}
    choices = choose_settings(clips_of(), given=given, can_start=pytest.fail)
    assert ("model.name", "pan_lite_micro") in [(each.key, each.value) for each in choices]
    given["model"]["name"] = "pan_lite_resnet50"
    choose_settings(clips_of(), given=given, can_start=pytest.fail)


def test_rare_classes_are_weighted_equally():
    data = clips_of(40)
    even = chosen(data)
    assert "training.class_weights" not in even
    data.clips = lambda split: (
        tuple(Clip(path, int(number < 5), "train") for number, path in enumerate(data.infos))
        * (split == "train")
    )
    assert chosen(data)["training.class_weights"] is True


def test_a_run_to_start_from_decides_on_network_and_clips(run):
    found = chosen(clips_of(), given={"model": {"weights": str(run.path)}})
    assert found["model.name"] == "pan_lite_micro"
    assert (found["model.segments"], found["model.stack"]) == (4, 2)
    assert tuple(found["model.size"]) == (24, 32)
    assert "model.weights" not in found
