"""The life of a CVAT job, worked out by hand: rounds, reviews, units and time, and everything that makes them go wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from data.connectors.cvat_events import HOUR, STAGES, STATES, Event, ranges
from data.connectors.cvat_jobs import JobLife

ZERO = 492_337 * HOUR  # 2026-03-02T01:00Z
MINUTE = 60_000
WANG, LI, ZHAO = "58", "9", "77"


def at(minutes: float) -> int:
    return ZERO + round(minutes * MINUTE)


def state(minutes: float, user: str, value: str) -> Event:
    return Event(at(minutes), user, "S", "", STATES.index(value))


def stage(minutes: float, user: str, value: str) -> Event:
    return Event(at(minutes), user, "G", "", STAGES.index(value))


def works(minutes: float, user: str, seconds: float) -> Event:
    return Event(at(minutes), user, "W", "", round(seconds * 1000))


def creates(minutes: float, user: str, *ids: int, sign: str = "C", what: str = "sr") -> Event:
    return Event(at(minutes), user, sign, what, len(ids), ranges(ids))


def deletes(minutes: float, user: str, *ids: int, what: str = "sr") -> Event:
    return Event(at(minutes), user, "D", what, len(ids), ranges(ids))


def updates(minutes: float, user: str, *ids: int) -> Event:
    return Event(at(minutes), user, "U", "sr", len(ids), ranges(ids))


def rows(events: Sequence[Event]) -> dict[str, tuple[str, int, int, float | None]]:
    """By event id without the job: action, round, units, seconds."""
    life = JobLife("207", events)
    shuffled = list(events)
    random.Random(5).shuffle(shuffled)
    assert JobLife("207", shuffled).rows == life.rows
    return {
        name.removeprefix("207:"): (row.action, row.phase.round, row.units, None if row.ms is None else row.ms / 1000)
        for name, row in life.rows.items()
    }


def verdicts(events: Sequence[Event]) -> list[tuple[str, str, str, str, int]]:
    """Row, reviewer, verdict, stage, minute."""
    return [
        (one.row.event_id.removeprefix("207:"), one.reviewer, one.verdict, one.stage, (one.at - ZERO) // MINUTE)
        for one in JobLife("207", events).verdicts
    ]


def test_two_rounds_two_people() -> None:
    # Wang draws 5 boxes in 20 min, completes; Li looks for 5 min and rejects; Wang draws 2 more in 6 min, completes; Li accepts after 3 min.
    life = [
        state(0, WANG, "in progress"), works(0, WANG, 1200), creates(10, WANG, 1, 2, 3, 4, 5), state(21, WANG, "completed"),
        works(25, LI, 300), state(31, LI, "rejected"),
        works(35, WANG, 360), creates(40, WANG, 6, 7), state(42, WANG, "completed"),
        works(45, LI, 180), stage(49, LI, "acceptance"), state(49, LI, "completed"),
    ]  # fmt: skip
    assert rows(life) == {
        "58:2026-03-02T01": ("annotate", 1, 5, 1200.0),
        f"9:2026-03-02T01+{21 * MINUTE}": ("review", 1, 0, 300.0),
        f"58:2026-03-02T01+{31 * MINUTE}": ("rework", 2, 2, 360.0),
        f"9:2026-03-02T01+{42 * MINUTE}": ("review", 2, 0, 180.0),
    }
    assert verdicts(life) == [
        ("58:2026-03-02T01", LI, "reject", "qc1", 31),
        (f"58:2026-03-02T01+{31 * MINUTE}", LI, "accept", "qc1", 49),
    ]


def test_the_flow_through_the_stages() -> None:
    # A manager moves the job on, which sets its state back to new; the reviewer passes it at validation, the manager accepts it.
    life = [
        works(0, WANG, 600), creates(5, WANG, 1, 2, 3), state(11, WANG, "completed"),
        stage(15, ZHAO, "validation"), state(15, ZHAO, "new"),
        state(20, LI, "in progress"), works(20, LI, 120), state(23, LI, "completed"),
        stage(30, ZHAO, "acceptance"), state(30, ZHAO, "new"),
    ]  # fmt: skip
    found = rows(life)
    assert found["58:2026-03-02T01"] == ("annotate", 1, 3, 600.0)
    assert found[f"9:2026-03-02T01+{11 * MINUTE}"] == ("review", 1, 0, 120.0)
    assert found[f"77:2026-03-02T01+{11 * MINUTE}"] == ("clean", 1, 0, None)
    assert verdicts(life) == [("58:2026-03-02T01", LI, "accept", "qc1", 23), ("58:2026-03-02T01", ZHAO, "accept", "qc2", 30)]


def test_sent_back_from_validation_is_a_rejection() -> None:
    life = [
        creates(5, WANG, 1), stage(15, ZHAO, "validation"), state(15, ZHAO, "new"), stage(20, LI, "annotation"), state(20, LI, "new"),
        creates(25, WANG, 2), state(30, WANG, "completed"),
    ]  # fmt: skip
    assert verdicts(life) == [("58:2026-03-02T01", LI, "reject", "qc1", 20)]
    assert rows(life)[f"58:2026-03-02T01+{20 * MINUTE}"] == ("rework", 2, 1, None)


def test_completed_and_taken_up_again_is_no_rejection() -> None:
    # Wang completes, notices something, takes it up again, completes: one round, no verdict, 4 boxes, 900 + 300 s.
    life = [
        works(0, WANG, 900), creates(5, WANG, 1, 2, 3), state(16, WANG, "completed"), state(20, WANG, "in progress"),
        works(20, WANG, 300), creates(22, WANG, 4), state(26, WANG, "completed"),
    ]  # fmt: skip
    annotated = [(action, number, units) for action, number, units, _ in rows(life).values() if action != "clean"]
    assert annotated == [("annotate", 1, 3), ("annotate", 1, 1)]
    assert sum(seconds or 0 for *_, seconds in rows(life).values()) == 1200
    assert verdicts(life) == []


def test_what_was_taken_up_again_may_be_finished_by_somebody_else() -> None:
    # Zhao draws 2 after it was taken up again: annotation of round 1, not review.
    life = [
        creates(5, WANG, 1),
        state(16, WANG, "completed"),
        state(20, WANG, "in progress"),
        creates(22, ZHAO, 2, 3),
        state(26, ZHAO, "completed"),
    ]
    assert rows(life)[f"77:2026-03-02T01+{20 * MINUTE}"] == ("annotate", 1, 2, None)


def test_who_judges_their_own_work_reviews_it() -> None:
    # 60 s after completion belong to the annotation, unless the author is the one who accepts.
    life = [creates(5, WANG, 1), state(10, WANG, "completed"), works(11, WANG, 60)]
    assert rows(life)[f"58:2026-03-02T01+{10 * MINUTE}"] == ("annotate", 1, 0, 60.0)
    life.append(stage(20, WANG, "acceptance"))
    assert rows(life)[f"58:2026-03-02T01+{10 * MINUTE}"] == ("review", 1, 0, 60.0)
    assert verdicts(life) == [("58:2026-03-02T01", WANG, "accept", "self", 20)]


def test_a_flush_across_a_boundary_is_split_there() -> None:
    # 90 s from 19:30 on, completed at 20:00 by Wang: 30 s of round 1 and 60 s after it. Wang is the author, so both are annotation; when Li
    # rejects at 20:00 instead, the 60 s are rework.
    life = [creates(5, WANG, 1), works(19.5, WANG, 90), state(20, WANG, "completed")]
    assert [(row[0], row[1], row[3]) for row in rows(life).values()] == [("annotate", 1, 30.0), ("annotate", 1, 60.0)]
    life = [creates(5, WANG, 1), state(10, WANG, "completed"), works(19.5, WANG, 90), state(20, LI, "rejected")]
    assert [(row[0], row[1], row[3]) for row in rows(life).values() if row[3]] == [("annotate", 1, 30.0), ("rework", 2, 60.0)]


def test_drawing_deleting_and_drawing_again_counts_once() -> None:
    # 10 drawn, 4 of them deleted in the next hour, 4 drawn again: 6 + 4.
    life = [creates(50, WANG, *range(1, 11)), deletes(61, WANG, 7, 8, 9, 10), creates(62, WANG, 11, 12, 13, 14)]
    assert rows(life) == {"58:2026-03-02T01": ("annotate", 1, 6, None), "58:2026-03-02T02": ("annotate", 1, 4, None)}


def test_an_edited_object_has_an_id_nobody_wrote_down() -> None:
    # Box 3 was edited and is 9 now; deleting 9 takes one off Wang's latest boxes, and none off Zhao's.
    life = [creates(1, ZHAO, 1), creates(2, WANG, 2, 3), updates(3, WANG, 3), deletes(4, WANG, 9)]
    assert rows(life) == {"77:2026-03-02T01": ("annotate", 1, 1, None), "58:2026-03-02T01": ("annotate", 1, 1, None)}
    # Deletes that do not list ids, beyond what there is of one's own, take no more than that.
    life = [creates(2, WANG, 2, 3), Event(at(4), WANG, "D", "sr", 40)]
    assert rows(life) == {"58:2026-03-02T01": ("annotate", 1, 0, None)}
    # Polygons are not taken for rectangles.
    life = [creates(2, WANG, 2, 3), Event(at(4), WANG, "D", "sp", 2)]
    assert rows(life) == {"58:2026-03-02T01": ("annotate", 1, 2, None)}


def test_what_was_reassigned_belongs_to_who_did_it() -> None:
    # Wang draws 5; the job goes to Zhao, who deletes two of them and draws 3: 5 stay Wang's work, 3 are Zhao's, whoever is assigned.
    life = [
        works(0, WANG, 600), creates(5, WANG, 1, 2, 3, 4, 5), works(30, ZHAO, 300), deletes(31, ZHAO, 1, 2), creates(32, ZHAO, 6, 7, 8),
        state(40, ZHAO, "completed"), works(42, LI, 60), state(45, LI, "rejected"),
    ]  # fmt: skip
    found = rows(life)
    assert found["58:2026-03-02T01"] == ("annotate", 1, 5, 600.0)
    assert found["77:2026-03-02T01"] == ("annotate", 1, 3, 300.0)
    assert [(row, verdict) for row, _, verdict, _, _ in verdicts(life)] == [("58:2026-03-02T01", "reject"), ("77:2026-03-02T01", "reject")]


def test_rejected_by_its_own_author_is_stage_self() -> None:
    life = [
        creates(5, WANG, 1),
        state(10, WANG, "completed"),
        state(12, WANG, "rejected"),
        creates(15, WANG, 2),
        state(20, WANG, "completed"),
    ]
    assert verdicts(life) == [("58:2026-03-02T01", WANG, "reject", "self", 12)]
    assert rows(life)[f"58:2026-03-02T01+{12 * MINUTE}"] == ("rework", 2, 1, None)


def test_a_job_ends_at_its_first_acceptance() -> None:
    # Accepted at 20, taken back to annotation at 30, drawn in, accepted again at 50: what comes after 20 keeps its time and counts nothing.
    life = [
        works(0, WANG, 300), creates(5, WANG, 1, 2), state(10, WANG, "completed"), stage(20, LI, "acceptance"), stage(30, LI, "annotation"),
        works(31, WANG, 120), creates(32, WANG, 3), state(35, WANG, "completed"), state(40, LI, "rejected"), state(45, WANG, "completed"),
        stage(50, ZHAO, "acceptance"),
    ]  # fmt: skip
    assert rows(life)[f"58:2026-03-02T01+{20 * MINUTE}"] == ("clean", 1, 0, 120.0)
    assert verdicts(life) == [("58:2026-03-02T01", LI, "accept", "qc1", 20)]


def test_accepted_with_changes_is_fix() -> None:
    life = [creates(5, WANG, 1, 2), state(10, WANG, "completed"), updates(15, LI, 2), creates(16, LI, 3), stage(20, LI, "acceptance")]
    assert verdicts(life) == [("58:2026-03-02T01", LI, "fix", "qc1", 20)]
    assert rows(life)[f"9:2026-03-02T01+{10 * MINUTE}"] == ("review", 1, 0, None)


def test_a_look_into_somebody_elses_job_is_review() -> None:
    life = [works(0, WANG, 300), creates(5, WANG, 1), works(6, LI, 30)]
    assert rows(life)["9:2026-03-02T01"] == ("review", 1, 0, 30.0)
    # With nothing drawn, who completed it is the author; with nothing completed, who spent most time on it.
    assert rows([works(0, WANG, 300), works(6, LI, 30), state(7, LI, "completed")])["9:2026-03-02T01"][0] == "annotate"
    assert rows([works(0, WANG, 300), works(6, LI, 30)])["58:2026-03-02T01"][0] == "annotate"


def test_what_a_program_placed_is_credited_as_prelabelled_when_the_round_is_completed() -> None:
    # Zhao imports 80 boxes; Wang deletes 3 of these, draws 5, completes: 77 + 5 units, 77 of them pre-labelled. Zhao has no output.
    life = [
        creates(0, ZHAO, *range(1, 81), sign="P"), works(10, WANG, 600), deletes(12, WANG, 1, 2, 3), creates(15, WANG, *range(101, 106)),
    ]  # fmt: skip
    assert rows(life)["58:2026-03-02T01"] == ("annotate", 1, 5, 600.0)  # not handed in yet
    life.append(state(21, WANG, "completed"))
    found = JobLife("207", life).rows
    assert (found["207:58:2026-03-02T01"].units, found["207:58:2026-03-02T01"].prelabelled) == (82, 77)
    assert (found["207:77:2026-03-02T01"].action, found["207:77:2026-03-02T01"].units) == ("clean", 0)
    # In the next round they are not credited again.
    life += [state(25, LI, "rejected"), creates(26, WANG, 200), state(30, WANG, "completed")]
    again = JobLife("207", life).rows[f"207:58:2026-03-02T01+{25 * MINUTE}"]
    assert (again.action, again.units, again.prelabelled) == ("rework", 1, 0)


def test_where_the_server_does_not_say_who_placed_them_the_share_is_unknown() -> None:
    life = JobLife("207", [creates(0, WANG, 1, 2, sign="B"), state(1, WANG, "completed")])
    assert [(row.units, row.prelabelled) for row in life.rows.values()] == [(2, None)]


def test_an_overnight_tab_is_its_own_small_row() -> None:
    # A tab left open flushes 40 s at 01:28 local (17:28Z the day before): its own hour, its own instant.
    late = Event(ZERO + 16 * HOUR + 28 * MINUTE, WANG, "W", "", 40_000)
    life = JobLife("207", [works(0, WANG, 300), creates(5, WANG, 1), late])
    assert {name: (row.ms, row.last - ZERO) for name, row in life.rows.items()} == {
        "207:58:2026-03-02T01": (300_000, 5 * MINUTE),
        "207:58:2026-03-02T17": (40_000, 16 * HOUR + 28 * MINUTE + 40_000),
    }


def test_without_working_time_there_is_output_and_no_time() -> None:
    assert rows([creates(5, WANG, 1), state(9, WANG, "completed")]) == {"58:2026-03-02T01": ("annotate", 1, 1, None)}


@pytest.mark.parametrize("order", range(4))
def test_time_and_objects_add_up_whatever_the_moves(order: int) -> None:
    """Independent of phases: all working time of all rows is the working time sent; nothing counts more than was created."""
    chance = random.Random(order)
    events = [works(chance.uniform(0, 300), chance.choice([WANG, LI, ZHAO]), chance.randint(1, 90)) for _ in range(60)]
    events += [creates(chance.uniform(0, 300), chance.choice([WANG, LI]), 10 * k, 10 * k + 1) for k in range(40)]
    events += [state(chance.uniform(0, 300), chance.choice([WANG, LI]), chance.choice(STATES)) for _ in range(12)]
    events += [stage(chance.uniform(0, 300), LI, chance.choice(STAGES)) for _ in range(order)]
    life = JobLife("1", events)
    assert sum(row.ms or 0 for row in life.rows.values()) == sum(one.n for one in events if one.sign == "W")
    assert sum(row.units for row in life.rows.values()) <= 80
    assert sorted(text for row in life.rows.values() for text in row.texts) == sorted(one.text for one in events)
