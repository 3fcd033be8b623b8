"""The rules are asked of what is new, and not more often than a share of the time allows."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from lossmon.capture import watch
from lossmon.capture.asking import RuleAsker
from lossmon.capture.chunk import Chunk, Place
from lossmon.capture.watch import Watch
from lossmon.records import EpochRecord, Finding
from lossmon.rules import Facts, ShiftFacts, run_rules
from lossmon.rules.catalogue import overfitting
from tests.store.made import batch, epoch

FOUND = Finding("LM408", "overfitting", "warning", None, "it rose", "stop earlier", {})


class Asked:
    """Rules that take five milliseconds, and find something from the third epoch on."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.announced: list[str] = []

    def __call__(self, facts: Facts) -> list[Finding]:
        end = time.thread_time() + 0.005
        while time.thread_time() < end:
            pass
        assert facts.training is not None
        self.epochs.append(len(facts.training.epochs))
        return [FOUND] if len(facts.training.epochs) >= 3 else []


def watching(asked: Asked) -> Watch:
    return Watch(
        Facts(()),
        [],
        ask=asked,
        announce=lambda findings: asked.announced.extend(f.code for f in findings),
        trouble=pytest.fail,
    )


def records(number: int) -> list[EpochRecord]:
    return [epoch(number)]


def test_what_is_not_finite_is_asked_about_once_until_it_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "ASKED_AGAIN", 3600.0)
    asked = Asked()
    watched = watching(asked)
    chunk = Chunk("train", 0, [Place(0, 0, 0.0, 1e-3)], {}, {})

    def epoch_of(*losses: float) -> int:
        before = len(asked.epochs)
        for step, loss in enumerate(losses):
            watched.see(chunk, [batch(step, loss=loss)])
        watched.close([epoch(0, loss=sum(losses))])
        return len(asked.epochs) - before

    nan = float("nan")
    assert epoch_of(1.0, nan, nan, nan) == 1
    assert epoch_of(nan, nan) == 0
    epoch_of(1.0)
    assert epoch_of(1.0, nan, nan) == 1


def test_short_epochs_are_asked_about_together_and_at_the_end_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "ASKING_SHARE", 1e-6)
    monkeypatch.setattr(watch, "ASKED_AGAIN", 3600.0)
    asked = Asked()
    watched = watching(asked)
    at_once = [watched.close(records(number)) for number in range(50)]
    assert asked.epochs == [1]
    assert not any(at_once)
    assert watched.end().findings == [FOUND]
    assert (asked.epochs, asked.announced) == ([1, 50], ["LM408"])
    assert not watched.end()
    assert asked.epochs == [1, 50]


class Retracted:
    """Rules that warn in the second and third epoch, by another severity if wanted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
        monkeypatch.setattr(watch, "ASKED_AGAIN", 0.0)
        self.found, self.told = replace(FOUND, **values), list[str]()
        self.warned_in = {2, 3}
        self.watch = Watch(
            Facts(()),
            [],
            ask=self._ask,
            announce=lambda _: None,
            trouble=pytest.fail,
            retract=self.told.append,
        )

    def _ask(self, facts: Facts) -> list[Finding]:
        assert facts.training is not None
        return [self.found] if len(facts.training.epochs) in self.warned_in else []


def test_what_no_longer_stands_at_the_end_is_taken_back_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Retracted(monkeypatch)
    for number in range(5):
        made.watch.close(records(number))
    assert made.told == []
    said = "withdrawn: LM408 overfitting, in epoch 4: later values no longer show it."
    (kept,) = made.watch.end().troubles
    assert (kept.message, made.told) == (f"{said} It had said: it rose", [said])
    assert not made.watch.end()
    assert made.told == [said]


def test_what_came_back_or_was_never_said_aloud_is_not_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again, quiet = Retracted(monkeypatch), Retracted(monkeypatch, severity="info")
    again.warned_in = {2, 5}
    for made in (again, quiet):
        for number in range(5):
            made.watch.close(records(number))
        assert not made.watch.end().troubles
        assert made.told == []


def test_long_epochs_are_each_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ASKED_AGAIN", 0.0)
    asked = Asked()
    watched = watching(asked)
    told = [watched.close(records(number)).findings for number in range(4)]
    assert asked.epochs == [1, 2, 3, 4]
    assert told == [[], [], [FOUND], []]


def test_a_long_epoch_does_not_hold_back_what_short_ones_before_it_showed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "ASKED_AGAIN", 0.1)
    asked = Asked()
    watched = watching(asked)
    assert not any(watched.close(records(number)) for number in range(3))
    assert not watched.catch_up()
    time.sleep(0.15)
    assert watched.catch_up().findings == [FOUND]
    assert not watched.catch_up()
    assert asked.epochs == [1, 3]


def test_rules_are_told_whose_validation_data_were_worse_from_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shift = ShiftFacts(None, 1.0, 2.0)
    monkeypatch.setattr(watch, "shift_facts", lambda *_: (shift,))
    seen: list[Facts] = []
    watched = Watch(
        Facts(()),
        [],
        ask=lambda known: seen.append(known) or [],
        announce=lambda _: None,
        trouble=pytest.fail,
    )
    watched.close(records(0))
    (facts,) = seen
    assert facts.training is not None
    assert facts.training.shifts == (shift,)


def test_episodes_of_a_long_run_are_searched_as_it_grows_and_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "ASKED_AGAIN", 0.0)
    searched: list[int] = []
    monkeypatch.setattr(watch, "episode_facts", lambda _, epochs: searched.append(len(epochs)))
    facts: list[Facts] = []
    watched = Watch(
        Facts(()),
        [],
        ask=lambda known: facts.append(known) or [],
        announce=lambda _: None,
        trouble=pytest.fail,
    )
    for number in range(299):
        watched.close(records(number))
    assert searched[:50] == list(range(1, 51))
    assert len(searched) < 150
    assert searched[-1] < 299 == len(facts)
    watched.end()
    watched.end()
    assert searched[-1] == 299
    assert len(facts) == 300


def test_a_value_that_was_printed_wrong_stays_named_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "ASKING_SHARE", 1e-6)
    monkeypatch.setattr(watch, "ASKED_AGAIN", 3600.0)
    told: list[str] = []
    watched = Watch(
        Facts(()),
        [],
        ask=lambda facts: run_rules(facts, ["LM402"]),
        announce=lambda findings: told.extend(finding.code for finding in findings),
        trouble=pytest.fail,
    )
    for number, status in enumerate(("verified", "mismatch", "verified", "verified")):
        ended = epoch(number)
        ended.status = status  # type: ignore[assignment]
        watched.close([ended])
    last = watched.end()
    (found,) = last.findings
    assert "in epoch 2 (of 4)" in found.message
    assert (told, list(last.withdrawn)) == (["LM402"], [])


def test_what_another_rule_says_better_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Retracted(monkeypatch)
    other = replace(FOUND, code="LM404", rule="no-better-than-baseline")

    def ask(facts: Facts) -> list[Finding]:
        return [other] if facts.training and len(facts.training.epochs) > 3 else [FOUND]

    monkeypatch.setattr(made.watch, "_rules", ask)
    for number in range(5):
        made.watch.close(records(number))
    made.watch.end()
    assert made.told == ["withdrawn: LM408 overfitting, in epoch 4: LM404 says it better."]


@pytest.mark.parametrize("finished", [True, False])
def test_the_rules_know_whether_a_training_has_finished(*, finished: bool) -> None:
    known: list[bool] = []

    def ask(facts: Facts) -> list[Finding]:
        assert facts.training is not None
        known.append(facts.training.ended)
        return []

    watched = Watch(Facts(()), [], ask=ask, announce=lambda _: None, trouble=pytest.fail)
    watched.close(records(0))
    watched.end(finished=finished)
    watched.end(finished=finished)
    assert known == ([False, True] if finished else [False])


def test_a_rule_that_fails_takes_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    asker = RuleAsker(None, told.append)
    answers: list[Any] = [[FOUND], RuntimeError("no"), RuntimeError("no"), []]

    def check(_: Facts) -> list[Finding]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(overfitting, "check", check)
    assert [asker(Facts(())) for _ in range(4)] == [[FOUND], [FOUND], [FOUND], []]
    assert told == ["rule LM408 overfitting failed: RuntimeError('no')"]
