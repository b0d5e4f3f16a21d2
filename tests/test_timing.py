"""Functions are timed in turn, each after a settling time."""

from pan_keras.timing import WARM_UP, time_in_turns


def test_functions_are_timed_in_turn():
    calls = []
    names = ("one", "other")
    seconds = time_in_turns({name: lambda name=name: calls.append(name) for name in names}, 3)
    assert calls == [*names] * (WARM_UP + 3)
    assert {name: len(times) for name, times in seconds.items()} == {"one": 3, "other": 3}


def test_a_turn_settles_before_it_is_measured():
    calls = []
    seconds = time_in_turns({"one": lambda: calls.append(None)}, 3, settling=0.002)
    assert len(calls) > 10 * (WARM_UP + 3)
    assert len(seconds["one"]) == 3
    assert min(seconds["one"]) < 0.002


def test_settling_is_one_call_at_least():
    calls = []
    time_in_turns({"one": lambda: calls.append(None)}, 3, settling=0)
    assert len(calls) == 2 * (WARM_UP + 3)
