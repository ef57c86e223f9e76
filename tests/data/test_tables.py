"""The canonical tables agree with the design, the closed sets and themselves."""

from __future__ import annotations

import string

import pytest

from data.codes import ACTIONS, CLOCKS, STAGES, VERDICTS
from data.errors import NameUnknown
from data.tables import ARROW, REJECT_CODES, TABLES, reason, table
from data.words import plain

REQUIRED = {
    "annotations": "event_id worker_id project_id item_id", "reviews": "review_id worker_id project_id item_id verdict", "workers": "worker_id",
    "assignments": "worker_id valid_from", "projects": "project_id", "prices": "project_id valid_from amount",
    "rates": "project_id valid_from amount", "batches": "batch_id project_id", "attendance": "worker_id work_date", "sites": "site_id zone",
    "teams": "team_id", "costs": "site_id month kind amount", "standards": "project_id valid_from seconds_per_unit",
    "quotas": "project_id work_date units", "notes": "note_id from_date kind text",
}  # fmt: skip


def test_the_tables_and_what_they_require() -> None:
    assert {name: set(spec.required) for name, spec in TABLES.items()} == {name: set(words.split()) for name, words in REQUIRED.items()}


@pytest.mark.parametrize("spec", TABLES.values(), ids=lambda spec: spec.name)
def test_columns_are_named_once_and_every_choice_is_reachable(spec) -> None:  # type: ignore[no-untyped-def]
    names = [column.name for column in spec.columns]
    assert len(names) == len(set(names))
    for column in spec.columns:
        assert column.kind in ARROW
        assert not column.choices or set(column.choices) == set(column.meanings.values())
        assert column.default is None or not column.required
        assert "" not in column.synonyms
        assert "" not in column.meanings
        others = {plain(name) for name in names if name != column.name}
        assert not others & set(column.synonyms), "a word may not be the canonical name of another column"


def test_closed_sets_are_those_of_the_log() -> None:
    assert table("annotations").column("action").choices == ACTIONS
    assert table("annotations").column("clock").choices == CLOCKS
    assert table("reviews").column("stage").choices == STAGES
    assert table("reviews").column("verdict").choices == VERDICTS


def test_both_sentences_of_a_reject_say_the_same_things() -> None:
    for english, chinese in REJECT_CODES.values():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)]
        assert fields[0] == fields[1]
    assert reason("range", "annotations", "units", "-1") == ("units “-1” is outside 0 … 999,999.999.", "units“-1”超出 0 … 999,999.999。")
    assert reason("choice", "reviews", "verdict", "{value}")[0] == "verdict “{value}” is none of accept, fix, reject."


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(NameUnknown, match="Did you mean “workers”"):
        table("worker")
    with pytest.raises(NameUnknown, match="Did you mean “units”"):
        table("annotations").column("unit")
    with pytest.raises(NameUnknown):
        reason("nonsense")
