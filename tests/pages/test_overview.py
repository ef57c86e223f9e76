"""Overview: its cards against the log and the price list, its bridge exact to the total."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data.store import Store
from metrics.reach import reach
from metrics.scope import SYSTEM
from pages.ui import access, charts, screen
from pages.ui.ask import Answer
from tests.pages.base import PROJECTS
from tests.pages.conftest import Open


def test_cards_say_what_the_log_says(small: Store, visit: Open) -> None:
    last = reach(small, SYSTEM).last
    assert last is not None
    span = [last - timedelta(days=27), last]
    pay = sum(
        float(units) * float(PROJECTS[project][7])
        for project, units in small.rows(
            "SELECT project_id, sum(units) FROM work JOIN project USING (project_key) WHERE business_date BETWEEN ? AND ? GROUP BY ALL",
            span,
        )
    )  # every row is paid on submission, annotate and rework alike
    units = float(small.rows("SELECT sum(units) FROM work WHERE business_date BETWEEN ? AND ?", span)[0][0])
    accepted, judged = small.rows(
        "SELECT count(*) FILTER (WHERE verdict = 0), count(*) FROM review WHERE is_first AND linked AND work_date BETWEEN ? AND ?", span
    )[0]
    at = visit("exec/overview.py", lang="en")
    shown = {m.label: m.value for m in at.metric}
    assert shown["Direct cost"] == f"¥{pay / 1000:.1f}k"
    assert shown["Units"] == f"{units / 1000:.0f}k"
    assert shown["First-pass yield"] == f"{100 * accepted / judged:.1f}%"
    assert len(at.metric) == 6


def test_the_table_starts_with_the_largest_loss(visit: Open) -> None:
    at = visit("exec/overview.py", lang="en")
    changes = at.dataframe[0].value["Contribution margin, change (yuan)"].dropna().tolist()
    assert len(changes) == len(PROJECTS)
    assert changes == sorted(changes)


def test_the_bridge_adds_up(small: Store, visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Answer, list[charts.Step]]] = []
    build = screen.bridge

    def watched(answer: Answer, *args: str) -> list[charts.Step]:
        steps = build(answer, *args, top=2)
        seen.append((answer, steps))
        return steps

    monkeypatch.setattr(screen, "bridge", watched)
    visit("exec/overview.py")
    answer, steps = seen[-1]
    assert steps[0].value + sum(step.value for step in steps[1:-1]) == pytest.approx(steps[-1].value)
    assert steps[-1].value == answer.total("contribution_margin")
    assert [step.label for step in steps][-2] == "其他"


def test_only_those_who_steer_the_business_have_it() -> None:
    assert access.screen("overview").roles == {"admin", "executive"}


def test_without_a_comparison_there_is_no_bridge(visit: Open) -> None:
    at = visit("exec/overview.py", compare="none")
    assert "边际贡献为何变化" not in [s.value for s in at.subheader]
    assert not [c for c in at.dataframe[0].value.columns if "变化" in c]


def test_a_comparison_from_before_the_first_data_is_none(visit: Open) -> None:
    """Nothing is told as growth from zero; who was employed then is known all the same."""
    at = visit("exec/overview.py", lang="en", compare="last_year")
    assert [m.delta for m in at.metric] == [""] * 6
    assert any("nothing to compare with" in c.value for c in at.caption)
    assert not any("change" in column for column in at.dataframe[0].value.columns)
    at = visit("hr/headcount.py", lang="en", compare="last_year")
    assert not any("nothing to compare with" in c.value or "not whole" in c.value for c in at.caption)


def test_one_day_has_no_trend_and_names_its_order(small: Store, visit: Open) -> None:
    day = small.rows("SELECT DISTINCT business_date FROM work_day ORDER BY 1 DESC LIMIT 1 OFFSET 1")[0][0].isoformat()
    at = visit("exec/overview.py", lang="en", period="custom", compare="none", **{"from": day, "to": day})
    assert not any("trend" in column for column in at.dataframe[0].value.columns)
    assert any(c.value.startswith("The lowest margin first.") for c in at.caption)
