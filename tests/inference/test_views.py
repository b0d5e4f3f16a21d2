"""Videos are read ahead, views fill batches across videos, and scores are means per video."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pan_keras.clips import ClipShape
from pan_keras.errors import UserError
from pan_keras.inference import views
from pan_keras.inference.views import ViewClassifier, probabilities
from pan_keras.metrics import softmax
from pan_keras.video.container import BrokenVideo, SlowVideo

SHAPE = ClipShape(segments=2, stack=1, size=(4, 4), resize=4)


class Brightness:
    """Logits of a clip: its brightness and the negated brightness."""

    path, labels, shape = Path("brightness"), ("light", "dark"), SHAPE
    workers, networks, streams = 2, {}, False

    def __init__(self, batch=4):
        self.batch = batch
        self.calls = []

    def load(self):
        pass

    def logits(self, clips):
        self.calls.append(len(clips))
        means = clips.reshape(len(clips), -1).mean(axis=1).astype("float32")
        return np.stack([means, -means], axis=1)


@pytest.fixture
def reading(monkeypatch):
    """Videos are named after their brightness; each view is slightly brighter than the last."""
    read = []

    def views_from_video(path, shape, crops, temporal, *, resize, timeout):
        read.append((path.name, timeout))
        count = temporal * (3 if crops == "3" else 1)
        brightness = int(path.name) + np.arange(count)
        return np.broadcast_to(brightness[:, None, None, None, None, None], (count, *shape.array))

    monkeypatch.setattr(views, "views_from_video", views_from_video)
    return read


@pytest.mark.parametrize("batch", [1, 4, 6, 50])
@pytest.mark.parametrize(("crops", "temporal"), [("1", 1), ("3", 1), ("3", 2)])
def test_each_video_has_the_mean_of_its_own_views(reading, batch, crops, temporal):
    classifier, seen = Brightness(batch), []
    classify = ViewClassifier(classifier, crops, temporal)
    found = list(classify([Path(str(10 * number)) for number in range(7)], seen.append))
    means = [10 * number + (classify.views - 1) / 2 for number in range(7)]
    np.testing.assert_allclose([each.scores[0] for each in found], means)
    assert sum(seen) == sum(classifier.calls) == 7 * classify.views
    assert max(classifier.calls) <= batch


def test_probabilities_are_averaged_on_request(reading):
    (found,) = ViewClassifier(Brightness(), "3", fuse="probabilities")([Path("0")])
    expected = softmax(np.array([[0, 0], [1, -1], [2, -2]], "float32")).mean(axis=0)
    np.testing.assert_allclose(probabilities(found.scores, "probabilities"), expected)


def test_a_broken_video_is_reported_in_order(monkeypatch, reading):
    whole = views.views_from_video

    def views_from_video(path, *arguments, **options):
        if path.name == "1":
            raise BrokenVideo(path, "the disk failed")
        if path.name == "2":
            raise FileNotFoundError(path)
        return whole(path, *arguments, **options)

    monkeypatch.setattr(views, "views_from_video", views_from_video)
    found = list(ViewClassifier(Brightness())([Path(name) for name in "0123"]))
    assert [each.error for each in found] == [
        None,
        "the disk failed",
        "there is no such file",
        None,
    ]
    assert [each.scores is None for each in found] == [False, True, True, False]


@pytest.mark.parametrize(("hangs", "error"), [(2, None), (3, "slow")])
def test_a_slow_video_is_read_again_with_more_time(monkeypatch, reading, hangs, error):
    whole, limits = views.views_from_video, []

    def views_from_video(path, *arguments, timeout, **options):
        limits.append(timeout)
        if len(limits) <= hangs:
            raise SlowVideo(path, "slow")
        return whole(path, *arguments, timeout=timeout, **options)

    monkeypatch.setattr(views, "views_from_video", views_from_video)
    (found,) = ViewClassifier(Brightness())([Path("5")])
    assert found.error == error
    assert limits == [30, 60, 120]


def test_few_videos_are_read_ahead_and_none_after_the_end(reading):
    answers = ViewClassifier(Brightness(batch=1))([Path(str(number)) for number in range(100)])
    next(answers)
    time.sleep(0.3)  # time to read ahead
    assert len(reading) < 10
    answers.close()
    read = len(reading)
    assert not [each for each in threading.enumerate() if each.name.startswith("videos")]
    assert len(reading) == read


def test_values_that_are_not_numbers_are_refused(reading):
    classifier = Brightness()
    classifier.logits = lambda clips: np.full((len(clips), 2), np.nan, "float32")
    with pytest.raises(UserError, match="NaN or infinite logits"):
        list(ViewClassifier(classifier)([Path("1")]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("2",), "crops: '2' is not one of"), (("1", 3), "clips: 3"), (("1", 1, "both"), "fuse both")],
)
def test_unknown_views_give_one_sentence(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        ViewClassifier(Brightness(), *arguments)
