"""Quality: every tenth row of the small base is rejected, which is what the screen must say, to those who may see it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from metrics.chance import Ratio, ratios
from metrics.intervals import wilson
from metrics.period import resolve
from metrics.query import Query, run
from metrics.reach import reach
from metrics.scope import SYSTEM, scope_for
from pages.ui import errors
from tests.pages.conftest import Open

SCREEN = "site/quality.py"


def counts(at: AppTest, *, site: str | None = None, project: str | None = None) -> tuple[int, int]:
    """Rejected and reviewed submissions of the last 28 days, counted from the reviews themselves."""
    from data.owner import owner

    store = owner().store
    period = resolve("last_28_days", reach(store, SYSTEM).last)  # type: ignore[arg-type]
    where = " AND ".join(
        ["r.is_first", "r.work_date BETWEEN $start AND $end", "($site::VARCHAR IS NULL OR site_id = $site)", "($project::VARCHAR IS NULL OR project_id = $project)"]
    )  # fmt: skip
    sql = f"SELECT count(*) FILTER (WHERE verdict <> 0), count(*) FROM review r JOIN site USING (site_key) JOIN project USING (project_key) WHERE {where}"
    ((bad, n),) = store.rows(sql, {"start": period.start, "end": period.end, "site": site, "project": project})
    return bad, n


def said(at: AppTest) -> str:
    """Everything in words."""
    return "\n".join(
        str(e.value) for kind in ("title", "subheader", "markdown", "caption", "metric", "warning", "error") for e in getattr(at, kind)
    )


def percent(x: float) -> str:
    """As screens write a rate: one decimal, none where it is zero."""
    return f"{100 * x:.1f}%"


def card(at: AppTest, label: str) -> str:
    return next(m.value for m in at.metric if m.label == label).strip()


@pytest.mark.parametrize(("persona", "site"), [("executive", None), ("admin", None), ("site_manager", "S1")])
def test_the_cards_say_what_was_rejected(visit: Open, persona: str, site: str | None) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    bad, n = counts(at, site=site)
    assert n > 100
    assert len(at.metric) == 6
    assert card(at, "Error rate") == percent(bad / n)
    assert card(at, "First-pass yield") == percent(1 - bad / n)
    low, high = wilson(bad, n)
    help_ = next(m.proto.help for m in at.metric if m.label == "Error rate")
    assert f"n = {n:,}" in help_
    assert percent(low) in help_
    assert percent(high) in help_


@pytest.mark.parametrize("persona", ["executive", "site_manager", "team_lead", "admin"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_those_who_have_it_get_all_of_it(visit: Open, persona: str, lang: str) -> None:
    at = visit(SCREEN, persona=persona, lang=lang)
    assert at.metric
    assert not at.error
    words = ["By project", "By team", "By reviewer"] if lang == "en" else ["按项目", "按班组", "按质检员"]
    assert set(words) <= {s.value for s in at.subheader}


@pytest.mark.parametrize("persona", ["hr"])
def test_others_do_not_have_it(visit: Open, persona: str) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    assert not at.metric
    assert not at.dataframe


@pytest.mark.parametrize(("persona", "sees"), [("executive", False), ("site_manager", True), ("team_lead", True), ("admin", True)])
def test_only_some_see_people(visit: Open, persona: str, sees: bool) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    assert any("Worker" in d.value.columns for d in at.dataframe) is sees
    assert ("Single people are shown" in said(at)) is not sees


@pytest.mark.parametrize("site", ["S2", "S1"])
def test_a_site_manager_sees_one_site_whatever_the_address_says(visit: Open, site: str) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en", site=site)
    bad, n = counts(at, site="S1")
    assert card(at, "Error rate") == percent(bad / n)
    people = next(d.value for d in at.dataframe if "Worker" in d.value.columns)
    assert set(people["Id"]) <= {f"W{k:02}" for k in range(16)}
    assert {"P1", "P2"} <= set(_ids(at))


def _ids(at: AppTest) -> list[str]:
    from data.owner import owner

    projects = next(d.value for d in at.dataframe if "Project" in d.value.columns)
    known = dict(owner().store.rows("SELECT coalesce(name_en, name), project_id FROM project"))
    return [known[name] for name in projects["Project"]]


def test_narrowing_to_a_project_narrows_everything(visit: Open) -> None:
    at = visit(SCREEN, persona="admin", lang="en", project="P2")
    bad, n = counts(at, project="P2")
    assert card(at, "Error rate") == percent(bad / n)
    assert _ids(at) == ["P2"]
    people = next(d.value for d in at.dataframe if "Worker" in d.value.columns)
    assert {int(i[1:]) % 2 for i in people["Id"]} == {0}


def test_people_come_with_interval_and_their_own_mix(visit: Open) -> None:
    at = visit(SCREEN, persona="admin", lang="en")
    from data.owner import owner

    store = owner().store
    period = resolve("last_28_days", reach(store, SYSTEM).last)  # type: ignore[arg-type]
    cells = run(store, Query(("errors", "reviewed"), by=("worker", "project"), period=period), SYSTEM).table
    wanted = ratios(
        list(cells["worker"]), list(cells["project"]), [float(x) for x in cells["errors"]], [float(n) for n in cells["reviewed"]]
    )
    people = next(d.value for d in at.dataframe if "Worker" in d.value.columns)
    assert people["Id"].tolist() == [r.unit for r in wanted]
    for row, r in zip(people.to_dict("records"), wanted, strict=True):
        assert row["Errors ÷ expected"] == pytest.approx(float("nan") if r.ratio is None else r.ratio, nan_ok=True)
        assert row["Reviewed (rows)"] == r.reviewed
        assert row["Error rate"] == pytest.approx(100 * r.errors / r.reviewed)
        if r.low is not None and r.high is not None:
            assert [float(part) for part in row["Its 95% interval"].split("–")] == pytest.approx([r.low, r.high], abs=0.0051)


def test_one_person_is_held_against_everybody_else(visit: Open) -> None:
    at = visit(SCREEN, persona="admin", lang="en", worker="W00")
    from data.owner import owner

    store = owner().store
    period = resolve("last_28_days", reach(store, SYSTEM).last)  # type: ignore[arg-type]
    everybody = run(store, Query(("error_rate",), by=("project",), period=period), SYSTEM).table.set_index("project")["error_rate"]
    own = run(store, Query(("error_rate", "reviewed"), by=("project",), period=period, where={"worker": ("W00",)}), SYSTEM).table
    (table,) = [d.value for d in at.dataframe if "All people, error rate (%)" in d.value.columns]
    mine = own.sort_values("reviewed", ascending=False)
    assert table["All people, error rate (%)"].tolist() == pytest.approx([100 * everybody[p] for p in mine["project"]])
    assert table["Error rate"].tolist() == pytest.approx([100 * rate for rate in mine["error_rate"]])
    assert "at the rates of the same projects" in said(at)
    assert not any("Worker" in d.value.columns for d in at.dataframe)  # the others are no longer on the screen


def test_both_ends_of_many_people_are_the_sure_ones() -> None:
    def ratio(n: int, low: float, high: float) -> Ratio:
        return Ratio(str(n), 1, 100, 100, 1, (low + high) / 2, low, high, "within")

    few = [ratio(n, 1 - n / 100, 1.5) for n in range(16)]
    assert errors._surest(few) == few
    unsure = [ratio(n, 0.001 * (30 - n), 3.0) for n in range(20, 30)]  # small samples: the lowest of the lower bounds, and wide
    sure = [ratio(n, 0.2, 0.3 + n / 1000) for n in range(40, 50)]
    shown = [r.unit for r in errors._surest([*few, *sure, *unsure])]
    assert shown == [*(str(n) for n in range(8)), *(str(n) for n in reversed(range(40, 48)))]


def test_signal_or_noise_is_said_in_words(visit: Open) -> None:
    words = said(visit(SCREEN, persona="admin", lang="en"))
    assert ("**Noise.**" in words) != ("**Signal.**" in words)


def test_nothing_inspected_is_not_zero(visit: Open) -> None:
    from data.owner import owner

    with owner().store.transaction() as cur:
        for table in ("review", "review_day", "judged_day", "judged_item"):
            cur.execute(f"DELETE FROM {table}")
    at = visit(SCREEN, persona="admin", lang="zh")
    assert card(at, "错误率") == "–"
    assert "未抽检" in "".join(m.proto.delta_description for m in at.metric)
    assert "因此没有比率" in said(at)
    assert not at.dataframe


def test_a_period_without_work_is_a_designed_state(visit: Open) -> None:
    at = visit(SCREEN, persona="admin", lang="en", period="custom", **{"from": "2001-01-01", "to": "2001-01-07"})
    assert not at.metric
    assert "Nothing here for this choice" in said(at)


def test_the_scope_of_a_site_is_the_scope_of_the_screen(visit: Open) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en")
    from data.owner import owner

    store = owner().store
    period = resolve("last_28_days", reach(store, SYSTEM).last)  # type: ignore[arg-type]
    mine = run(store, Query(("reviewed",), by=("team",), period=period), scope_for("site_manager", site="S1")).table
    assert set(mine["team"]) == {"T1", "T2"}
    assert sum(mine["reviewed"]) == counts(at, site="S1")[1]
