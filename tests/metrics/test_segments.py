"""Segment F1 and false alarms."""

import pytest

from pan_keras.metrics import Segment, SegmentScores


def scores(found, truth, seconds=60.0):
    result = SegmentScores()
    result.add(found, truth, seconds)
    return result


def test_identical_segments_score_one():
    truth = [Segment(1, 2, "a"), Segment(3, 5, "b")]
    found = scores(truth, truth)
    assert [found.f1(overlap) for overlap in (0.1, 0.25, 0.5)] == [1, 1, 1]
    assert found.false_alarms_per_minute == 0


def test_a_match_needs_the_overlap_and_counts_at_it():
    truth = [Segment(0, 4, "a")]
    assert scores([Segment(2, 4, "a")], truth).f1(0.5) == 1
    assert scores([Segment(2.01, 4, "a")], truth).f1(0.5) == 0
    assert scores([Segment(2.01, 4, "a")], truth).f1(0.25) == 1


def test_a_segment_of_another_class_matches_nothing_and_is_a_false_alarm():
    found = scores([Segment(0, 4, "b")], [Segment(0, 4, "a")], seconds=30)
    assert found.f1(0.1) == 0
    assert found.false_alarms_per_minute == 2


def test_only_the_first_of_two_segments_matches_an_action():
    found = scores([Segment(0, 2, "a"), Segment(2, 4, "a")], [Segment(0, 4, "a")])
    # One of two found, one of one true: 2 / 3.
    assert found.f1(0.5) == pytest.approx(2 / 3)
    assert found.false_alarms == 0


def test_a_segment_is_compared_with_the_action_that_it_overlaps_most():
    truth = [Segment(0, 10, "a"), Segment(10, 12, "a")]
    found = scores([Segment(9, 12, "a")], truth)
    assert found.f1(0.5) == pytest.approx(2 / 3)


def test_videos_are_summed_and_not_averaged():
    result = SegmentScores()
    result.add([Segment(0, 1, "a")], [Segment(0, 1, "a")], 30)
    result.add([Segment(0, 1, "b")] * 3, [], 30)
    assert result.f1(0.5) == pytest.approx(2 / (4 + 1))
    assert result.false_alarms_per_minute == 3


def test_no_segments_found_where_there_are_none_scores_one():
    assert scores([], []).f1(0.5) == 1
    assert scores([], [Segment(0, 1, "a")]).f1(0.5) == 0


def test_segments_that_only_touch_share_no_time():
    assert Segment(0, 1, "a").iou(Segment(1, 2, "a")) == 0
    assert scores([Segment(1, 2, "a")], [Segment(0, 1, "a")]).false_alarms == 1
