"""The invented base against what is known of the trade, on small builds; tolerances that a wrong model would break."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data import demo, load
from data.demo import reference
from data.demo.days import Calendar, clocked, number, worked
from data.demo.floor import Floor, Rows, job
from data.demo.log import Log, records
from data.demo.names import ordinal
from data.demo.people import ANNOTATOR, LEAD, REVIEWER, STAYS, Cast
from data.demo.projects import PROJECTS, TRADE, TRADES
from data.demo.reference import batch, slid
from data.errors import InputError, StoreError
from data.store import Store
from data.tables import Batch
from data.verify import verify
from tests.data.canonical import content

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    demo.build(file, people=60, days=30, seed=7, today=TODAY)
    return file


@pytest.fixture(scope="module")
def store(path: Path):  # type: ignore[no-untyped-def]
    with Store(path, create=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def cast() -> Cast:
    """Three years of the full-size base: cheap without its work."""
    return Cast(800, number(TODAY), 7)


def one(store: Store, sql: str) -> float:
    return float(store.rows(sql)[0][0])


# People ------------------------------------------------------------------------------------------------------------------
def test_headcount_sites_and_trades(cast: Cast) -> None:
    state = cast.at(cast.today)
    assert np.bincount(state.site[state.here]).tolist() == pytest.approx([800, 240], rel=0.02)
    trade = np.bincount(cast.team_trade[state.team[state.here]], minlength=len(TRADES)) / state.here.sum()
    assert trade[TRADE["image_box"]] == pytest.approx(0.52, abs=0.02)
    assert trade[TRADE["audio"]] == pytest.approx(0.08, abs=0.015)


def test_one_reviewer_in_twelve_and_one_lead_a_team(cast: Cast) -> None:
    state = cast.at(cast.today)
    assert (state.here & (state.role == REVIEWER)).sum() / state.here.sum() == pytest.approx(1 / 12, rel=0.08)
    leads = state.team[state.here & (state.role == LEAD)]
    assert len(set(leads.tolist())) == len(leads) >= 0.9 * sum(team.trade < len(TRADES) for team in cast.teams)
    sizes = np.bincount(state.team[state.here & (cast.team_trade[state.team] < len(TRADES))])
    assert 15 <= np.median(sizes[sizes > 0]) <= 26


@pytest.mark.parametrize(("kinds", "expected"), [(("image",), 0.30), (("audio", "video"), 0.50)])
def test_yearly_turnover(cast: Cast, kinds: tuple[str, ...], expected: float) -> None:
    trades = [index for index, trade in enumerate(TRADES) if trade.kind in kinds]
    mine = [
        np.isin(cast.team_trade[(state := cast.at(day)).team], trades) & state.here for day in range(cast.today - 364, cast.today + 1, 7)
    ]
    average = np.mean([here.sum() for here in mine])
    leavers = sum(
        cast.today - 365 < spell.left <= cast.today and bool(np.isin(cast.team_trade[cast.at(spell.left - 1).team[spell.worker]], trades))
        for spell in cast.spells
    )
    assert leavers / average == pytest.approx(expected, rel=0.12)


def test_people_leave_most_in_month_three(cast: Cast) -> None:
    tenure = np.array([(spell.left, spell.left - spell.hired) for spell in cast.spells])
    gone = np.where(tenure[:, 0] < STAYS, tenure[:, 1], STAYS)
    hazard = [((gone >= low) & (gone < low + 30)).sum() / (gone >= low).sum() for low in (30, 60, 120, 150)]
    assert hazard[1] > 1.4 * hazard[0] > 0
    assert hazard[1] > 2.5 * max(hazard[2:])


def test_every_month_has_joiners_and_leavers(cast: Cast) -> None:
    recent = range(cast.today - 720, cast.today - 29, 30)
    assert all(any(start <= spell.hired < start + 30 for spell in cast.spells) for start in recent)
    assert all(any(start <= spell.left < start + 30 for spell in cast.spells) for start in recent)


def test_spells_do_not_overlap_and_places_are_of_their_time(cast: Cast) -> None:
    by_worker: dict[int, list[tuple[int, int]]] = {}
    for spell in cast.spells:
        assert spell.hired < spell.left
        by_worker.setdefault(spell.worker, []).append((spell.hired, spell.left))
    assert any(len(spells) > 1 for spells in by_worker.values()), "nobody was hired again"
    for spells in by_worker.values():
        spells.sort()
        assert all(left < hired for (_, left), (hired, _) in pairwise(spells))
    for move in cast.moves:
        assert cast.teams[move.team].site == move.site
        assert any(hired <= move.day < left for hired, left in by_worker[move.worker])


# Days --------------------------------------------------------------------------------------------------------------------
def test_breaks_are_not_worked() -> None:
    assert worked(np.array([43_200.0, 45_000.0, 46_800.0])).tolist() == [43_200, 43_200, 43_200]
    assert clocked(np.array([43_199.0, 43_201.0, 59_401.0])).tolist() == [43_199, 46_801, 64_801]


def test_today_is_always_worked_and_sundays_are_not() -> None:
    sunday = number(date(2026, 11, 22))
    assert Calendar(sunday - 29, sunday).share(sunday) == 1
    assert Calendar(sunday - 28, sunday + 1).rest(sunday)
    assert Calendar(number(date(2026, 8, 1)), sunday).rest(number(date(2026, 10, 1)))


# Money -------------------------------------------------------------------------------------------------------------------
def test_prices_fell_thirty_per_cent_over_three_years(store: Store) -> None:
    falls = store.rows("""SELECT max_by(amount, valid_from) / min_by(amount, valid_from) FROM price GROUP BY project_key
        HAVING max(valid_from) - min(valid_from) > 900""")
    assert len(falls) >= 10
    assert all(0.70 <= fall <= 0.76 for (fall,) in falls)
    assert slid(0.07, 1096, 0.30) == pytest.approx(0.10)


def test_a_box_costs_three_to_eight_fen_and_a_medical_contour_ten_times_that() -> None:
    boxes = [project for project in PROJECTS if project.trade == "image_box"]
    assert all(0.03 <= project.rate <= project.price <= 0.08 or project.markup < 1.5 for project in boxes)
    assert all(0.03 <= project.rate <= 0.08 for project in boxes)
    medical = next(project for project in PROJECTS if project.trade == "medical")
    assert 8 <= medical.price / np.mean([project.price for project in boxes]) <= 14
    assert 16 <= len(PROJECTS) <= 22
    assert {project.tier for project in PROJECTS} == {0, 1, 2, 3}
    assert all((project.upstream or "").count("/") == project.tier - 1 for project in PROJECTS if project.tier)


def test_income_of_experienced_annotators(store: Store) -> None:
    """Piece pay on full days, as a month of 24.5 days: three to four thousand yuan."""
    monthly = one(
        store,
        """
        WITH day AS (
            SELECT worker_key, business_date, sum(unit_count * r.amount) AS pay FROM work_day
            JOIN project USING (project_key) JOIN presence AS p USING (worker_key)
            ASOF JOIN (FROM rate WHERE action = 'annotate') AS r ON r.project_key = work_day.project_key AND business_date >= r.valid_from
            WHERE work_day.action = 0 AND project.modality <> 'medical' AND p.to_date IS NULL AND p.contract <> 'part_time'
              AND business_date - p.hired > 120 AND business_date < (SELECT max(business_date) FROM work_day)
            GROUP BY ALL)
        SELECT median(pay) * 24.5 FROM day WHERE pay > 60""",
    )
    assert 3_000 <= monthly <= 4_000


def test_margins_are_those_of_the_trade() -> None:
    margins = {p.id: 1 - p.rate * (1 + 0.13 * 0.46 * 1.5 + 0.02 * p.rework) / p.price for p in PROJECTS}
    assert sum(margin < 0.05 for margin in margins.values()) in (1, 2)
    assert np.median(list(margins.values())) == pytest.approx(0.28, abs=0.08)


# Work --------------------------------------------------------------------------------------------------------------------
def test_mix_of_submissions() -> None:
    floor = demo.plan(300, 14, 7, TODAY).floor()
    work = np.concatenate([floor.trade[day.work["project"]] for day in floor.days()])
    assert np.mean(work == TRADE["image_box"]) == pytest.approx(0.52, abs=0.03)


def test_boxes_a_day(store: Store) -> None:
    """Trained people draw 2,000 boxes a day and more; submissions hold 11–16."""
    low, middle = store.rows("""
        WITH day AS (SELECT worker_key, business_date, sum(unit_count) AS boxes, sum(row_count) AS row_count FROM work_day
            JOIN project USING (project_key) JOIN presence AS p USING (worker_key)
            WHERE action = 0 AND task_type = '2d_box' AND p.to_date IS NULL AND p.contract <> 'part_time' AND business_date - p.hired > 120
              AND business_date < (SELECT max(business_date) FROM work_day) GROUP BY ALL)
        SELECT quantile_cont(boxes, 0.1), median(boxes) FROM day WHERE row_count > 100""")[0]
    assert low > 1_800
    assert 2_300 <= middle <= 3_600
    each = one(
        store,
        "SELECT sum(unit_count) / sum(row_count) FROM work_day JOIN project USING (project_key) WHERE task_type = '2d_box' AND action = 0",
    )
    assert 11 <= each <= 16


def test_newcomers_need_two_months() -> None:
    """Drawing speed on one kind of work, by tenure: half after a week, all of it after two months."""
    floor = demo.plan(100, 14, 7, TODAY).floor()
    state = floor.cast.at(floor.cast.today)
    people = np.flatnonzero(state.here & (state.role == ANNOTATOR))[:400]
    other = np.full(len(people), TRADE["audio"])
    pace = {}
    for tenure in (0, 7, 60, 400):
        state.tenure[:] = tenure
        pace[tenure] = float(np.mean(floor._pace(people, state, floor.cast.today, other)))
    assert pace[0] / pace[400] == pytest.approx(0.30, abs=0.03)
    assert 0.45 <= pace[7] / pace[400] <= 0.65
    assert pace[60] / pace[400] >= 0.95


def test_people_slow_down_over_the_shift(store: Store) -> None:
    morning, evening = store.rows("""SELECT sum(seconds) FILTER (hour IN (9, 10)) / sum(timed_units) FILTER (hour IN (9, 10)),
        sum(seconds) FILTER (hour IN (15, 16)) / sum(timed_units) FILTER (hour IN (15, 16))
        FROM work_hour JOIN project USING (project_key) WHERE action = 0 AND task_type = '2d_box'""")[0]
    assert 1.01 < evening / morning < 1.12
    lunch, noon = store.rows("SELECT count(*) FILTER (hour = 12), count(*) FILTER (hour = 11) FROM work")[0]
    assert lunch == 0 < noon


def test_prelabels_speed_work_up(store: Store) -> None:
    blank, helped = store.rows("""SELECT sum(seconds) FILTER (prelabelled_units = 0) / sum(units) FILTER (prelabelled_units = 0),
        sum(seconds) FILTER (prelabelled_units > 0) / sum(units) FILTER (prelabelled_units > 0)
        FROM work JOIN project USING (project_key) WHERE project_id = 'P002' AND action = 0""")[0]
    assert 0.55 <= helped / blank <= 0.80


def test_each_tool_has_its_clock(store: Store) -> None:
    clocks = store.rows("SELECT DISTINCT name, clock FROM work JOIN source USING (source_key) ORDER BY 1")
    assert clocks == [("client_platform", 3), ("cvat", 1), ("daily_sheet", 0), ("label_studio", 2)]


# Quality -----------------------------------------------------------------------------------------------------------------
def first_looks(people: int, days: int) -> tuple[Floor, Rows, Rows]:
    floor = demo.plan(people, days, 7, TODAY).floor()
    played = list(floor.days())
    return floor, np.concatenate([day.work for day in played]), np.concatenate([day.reviews for day in played])


def test_newcomers_are_checked_more_and_err_more() -> None:
    floor, work, reviews = first_looks(300, 21)
    tenure = floor.cast.at(floor.cast.today - 10).tenure
    plain = np.array([project.sampled < 1 for project in PROJECTS])
    work = work[(work["round"] == 1) & plain[work["project"]]]
    looks = reviews[(reviews["round"] == 1) & (reviews["stage"] == 1) & plain[reviews["project"]]]
    new_work, new_look = tenure[work["worker"]] < 40, tenure[looks["worker"]] < 40
    assert new_work.sum() > 2_000
    assert new_look.sum() / new_work.sum() == pytest.approx(0.40, abs=0.06)
    assert (~new_look).sum() / (~new_work).sum() == pytest.approx(0.12, abs=0.03)
    wrong = looks["verdict"] > 0
    assert 0.02 <= wrong[~new_look].mean() <= 0.06
    assert wrong[new_look].mean() > 1.2 * wrong[~new_look].mean()


def test_error_types_follow_a_pareto(store: Store) -> None:
    types = dict(store.rows("SELECT error_type, count(*) FROM review WHERE verdict > 0 GROUP BY 1"))
    assert set(types) == {"漏标", "多标", "错类", "不贴合", "错属性", "错ID"}
    assert types["漏标"] == max(types.values())
    assert types["错ID"] < types["多标"]
    assert one(store, "SELECT count(*) FROM review WHERE (verdict = 0) <> (error_type IS NULL) OR (verdict = 0) <> (error_units = 0)") == 0


def test_reviews_follow_their_work(store: Store) -> None:
    assert one(store, "SELECT count(*) FROM review WHERE NOT linked") == 0
    early = one(
        store,
        """SELECT count(*) FROM review AS r JOIN work AS w ON w.event_id = r.event_id AND w.source_key = r.work_source_key
        WHERE r.ts <= w.ts OR w.item_id <> r.item_id OR w.worker_key <> r.worker_key OR w.action NOT IN (0, 1) OR r.round < w.round""",
    )
    assert early == 0
    assert one(store, "SELECT count(*) FROM review WHERE worker_key = reviewer_key") == 0


def test_what_was_sent_back_was_mended(store: Store) -> None:
    share = one(
        store,
        """SELECT avg((EXISTS (FROM work AS m WHERE m.project_key = r.project_key AND m.item_id = r.item_id AND m.action = 1 AND m.ts > r.ts))::INT)
        FROM review AS r WHERE verdict = 2 AND stage = 1 AND review_date < (SELECT max(review_date) - 7 FROM review)""",
    )
    assert share > 0.85
    assert one(store, "SELECT min(round) FROM work WHERE action = 1") == 2
    assert one(store, "SELECT count(*) FROM review WHERE overturned") > 0


def test_batches_are_delivered_decided_and_resubmitted(store: Store) -> None:
    reject, size, again = store.rows("""SELECT avg((decision = 'reject')::INT) FILTER (decision <> 'pending' AND resubmission_of IS NULL),
        avg(units) FILTER (units IS NOT NULL), count(*) FILTER (resubmission_of IS NOT NULL) FROM batch WHERE batch_key <> 0""")[0]
    assert 0.01 <= reject <= 0.12
    assert size > 1_000
    assert again > 0
    assert one(store, "SELECT count(*) FROM batch WHERE decided_at <= delivered_at OR defects > inspected") == 0
    assert one(store, "SELECT count(*) FROM batch WHERE decision = 'pending'") > 0
    wrong = one(
        store,
        "SELECT count(*) FROM batch AS a WHERE resubmission_of IS NOT NULL AND NOT EXISTS (FROM batch AS b WHERE b.project_key = a.project_key AND b.batch_id = a.resubmission_of AND b.decision = 'reject')",
    )
    assert wrong == 0


# The store ---------------------------------------------------------------------------------------------------------------
def test_store_is_whole(store: Store) -> None:
    assert store.is_demo
    assert [check for check in verify(store) if not check.ok] == []
    assert one(store, "SELECT count(*) - count(DISTINCT (source_key, event_id)) FROM work") == 0
    assert one(store, "SELECT count(*) FROM reject") == 0
    assert (
        one(
            store,
            "SELECT (SELECT count(*) FROM worker WHERE stub) + (SELECT count(*) FROM project WHERE stub) + (SELECT count(*) FROM batch WHERE stub AND batch_key <> 0)",
        )
        == 0
    )
    assert one(store, "SELECT count(*) FROM work WHERE site_key = 0 OR team_key = 0 OR batch_key = 0 OR business_date IS NULL") == 0


def test_the_straight_way_writes_what_a_load_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows as text through the general load: same content, same counts, both whole."""
    monkeypatch.setattr(demo, "CHUNK", 30_000)  # several portions, several loads
    demo.build(tmp_path / "straight", people=40, days=16, seed=5, today=TODAY)
    chosen = demo.plan(40, 16, 5, TODAY)
    floor, diary = chosen.floor(), demo.Diary([], [])
    log, days = Log(floor), list(demo.played(floor, chosen.cut, diary))
    facts = [
        Batch("annotations", log.work(np.concatenate([work for _, work, _ in days]))),
        Batch("reviews", log.reviews(np.concatenate([reviews for _, _, reviews in days]))),
    ]
    with Store(tmp_path / "loaded") as loaded, Store(tmp_path / "straight", create=False) as straight:
        loaded.set_meta("zone", reference.ZONE)
        load.load(loaded, reference.before(floor), source=demo.SOURCE)
        reports = load.load(loaded, facts, source=demo.SOURCE)
        load.load(loaded, reference.after(floor, chosen.cut, diary.rosters, np.array(diary.made)), source=demo.SOURCE)
        assert {report.table: report.new for report in reports} == {
            table: one(straight, f"SELECT sum(new) FROM load WHERE table_name = '{table}'") for table in ("annotations", "reviews")
        }
        assert one(straight, "SELECT count(DISTINCT load_id) FROM work") > 2
        found, expected = content(straight), content(loaded)
        for name, rows in expected.items():
            assert rows, name
            assert [(a, b) for a, b in zip(found[name], rows, strict=True) if a != b][:3] == [], name
        for sql in (
            "SELECT worker_id, longest_interval_s FROM worker ORDER BY 1",
            "SELECT count(*), sum(overlap_s) FROM work WHERE overlap_s > 0",
            "SELECT stage, count(*), count(*) FILTER (is_first), count(*) FILTER (stage_last), count(*) FILTER (overturned) FROM review GROUP BY 1 ORDER BY 1",
        ):
            assert straight.rows(sql) == loaded.rows(sql) != []
        for built in (straight, loaded):
            assert [check for check in verify(built) if not check.ok] == []


def test_today_is_partly_done(store: Store) -> None:
    last = store.rows("SELECT max(ts) FROM work")[0][0]
    assert datetime(2026, 11, 20, 6, 10) < last <= datetime(2026, 11, 20, 6, 20)  # 14:20 in Shanghai
    assert one(store, "SELECT count(*) FROM attendance WHERE work_date = DATE '2026-11-20' AND clock_out IS NOT NULL") < one(
        store, "SELECT count(*) FROM attendance WHERE work_date = DATE '2026-11-20' AND clock_in IS NOT NULL"
    )


def test_attendance_has_absence_overtime_and_a_seat_each(store: Store) -> None:
    absent, long, twice, idle = store.rows("""SELECT avg(coalesce(leave IN ('事假', '病假', '年假', '旷工'), false)::INT),
        avg((clock_out - clock_in > INTERVAL 10 HOUR)::INT) FILTER (clock_out IS NOT NULL),
        (SELECT count(*) FROM (SELECT 1 FROM attendance JOIN presence AS p USING (worker_key) WHERE p.from_date <= work_date
            AND (p.to_date IS NULL OR work_date < p.to_date) GROUP BY work_date, p.site_key, seat HAVING count(*) > 1)),
        count(*) FILTER (leave = '待岗') FROM attendance""")[0]
    assert 0.02 <= absent <= 0.05
    assert 0.08 <= long <= 0.35
    assert twice == 0
    assert idle > 0


def test_the_floor_shows_what_the_notes_say(store: Store) -> None:
    notes = {kind: (start, end) for kind, start, end in store.rows("SELECT kind, from_date, to_date FROM note WHERE kind <> 'holiday'")}
    assert set(notes) == {"guideline", "outage", "slack"}
    slack, usual = store.rows(f"""SELECT avg(n) FILTER (d BETWEEN DATE '{notes["slack"][0]}' AND DATE '{notes["slack"][1]}'), median(n)
        FROM (SELECT business_date AS d, sum(row_count) AS n FROM work_day GROUP BY 1)""")[0]
    assert slack < 0.35 * usual
    down, before = (
        store.rows(f"""SELECT coalesce(sum(row_count) FILTER (hour IN (14, 15)), 0), sum(row_count) FILTER (hour IN (10, 11)) FROM work_hour
        JOIN project USING (project_key) WHERE business_date = DATE '{notes["outage"][0]}' AND action = 0 AND project_id IN
        (SELECT project_id FROM work JOIN source USING (source_key) JOIN project USING (project_key) WHERE source.name = 'cvat')""")[0]
    )
    assert down == 0 < before


def test_a_new_guideline_raises_the_error_rate() -> None:
    floor = demo.plan(60, 30, 7, TODAY).floor()
    state = floor.cast.at(floor.cast.today)
    people = np.flatnonzero(state.here)
    mine, other = np.full(len(people), floor._guide), np.full(len(people), floor._guide + 1)
    day = floor.calendar.guideline
    assert (floor._risk(people, state, day, mine) > 2 * floor._risk(people, state, day - 1, mine)).all()
    assert (floor._risk(people, state, day, other) == floor._risk(people, state, day - 1, other)).all()


def test_same_seed_same_base_other_seed_another(path: Path, store: Store, tmp_path: Path) -> None:
    sql = "SELECT count(*), sum(units), sum(seconds), bit_xor(hash(event_id, item_id, ts, worker_key, units, seconds)) FROM work"
    rows = {}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        demo.build(tmp_path / name, people=20, days=14, seed=seed, today=TODAY)
        with Store(tmp_path / name, create=False) as built:
            rows[name] = built.rows(sql)
    assert rows["a"] == rows["b"] != rows["c"]
    assert list(tmp_path.glob("*.demo*")) == []


def test_only_a_demo_base_is_replaced(tmp_path: Path) -> None:
    with Store(tmp_path / "own") as own:
        load.load(own, [batch("annotations", [{"event_id": "1", "worker_id": "w", "project_id": "p", "item_id": "i"}])])
    with pytest.raises(StoreError, match="never overwrites"):
        demo.build(tmp_path / "own", people=20, days=14, today=TODAY)
    with pytest.raises(InputError):
        demo.build(tmp_path / "new", people=5, days=14, today=TODAY)
    assert not (tmp_path / "new").exists()


# Live --------------------------------------------------------------------------------------------------------------------
def test_live_sends_the_rest_of_today_once_at_real_pace(store: Store) -> None:
    base = demo.Plan.of({str(key): value for key, value in store.rows("SELECT key, value FROM meta")})
    moment = datetime(2026, 11, 20, 6, 20, tzinfo=UTC)
    ticks: list[float] = []

    def sleep(seconds: float) -> None:
        ticks.append(seconds)

    sent = list(demo.live(base, seconds_per_tick=600, now=lambda: moment + timedelta(seconds=sum(ticks)), sleep=sleep))
    work = [row for table, rows in sent if table == "annotations" for row in rows]
    loaded = {event for (event,) in store.rows("SELECT event_id FROM work")}
    assert not loaded & {row["event_id"] for row in work}
    assert len({row["event_id"] for row in work}) == len(work) > 2_000
    times = [str(row["ts"]) for row in work]
    assert times == sorted(times)
    assert times[0] >= "2026-11-20T06:20"
    first = next(rows for table, rows in sent if table == "annotations")
    assert str(first[-1]["ts"]) <= "2026-11-20T06:30:00.000Z"
    assert {"event_id", "worker_id", "project_id", "item_id", "ts", "batch_id", "units", "duration_s", "clock", "tool"} <= set(work[0])


def test_live_goes_on_from_where_it_was(store: Store) -> None:
    base = demo.Plan.of({str(key): value for key, value in store.rows("SELECT key, value FROM meta")})
    since = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    sent = next(demo.live(base, since=since, now=lambda: since + timedelta(minutes=5), sleep=lambda _: None))
    assert sent[0] == "annotations"
    assert "2026-11-20T08:00" <= str(sent[1][0]["ts"]) <= str(sent[1][-1]["ts"]) <= "2026-11-20T08:05:00.000Z"
    with pytest.raises(StoreError, match="not a demo base"):
        demo.Plan.of({"demo_people": "60"})


# Small parts -------------------------------------------------------------------------------------------------------------
def test_reviewers_take_work_in_turn_never_two_at_once() -> None:
    floor, _, _ = first_looks(30, 14)
    floor = demo.plan(100, 14, 7, TODAY).floor()
    for day in floor.days():
        ends = day.checks[np.lexsort((day.checks["ts"], day.checks["worker"]))]
        same = np.diff(ends["worker"]) == 0
        assert (np.diff(ends["ts"])[same] > 0).all()


def test_log_tables_hold_the_rows() -> None:
    floor, work, reviews = first_looks(20, 14)
    log = Log(floor)
    table = log.work(work[:500])
    assert table.column("event_id").to_pylist()[0].split("-")[1] == f"{work['event'][0]:09d}"
    assert table.column("worker_id").to_pylist() == [floor.cast.ids[worker] for worker in work["worker"][:500]]
    assert pa.compute.sum(table.column("units")).as_py() == work["units"][:500].sum()
    first = records(log.reviews(reviews[:1]))[0]
    assert first["verdict"] in ("accept", "fix", "reject")
    assert "line" not in first
    assert str(first["ts"]).endswith("Z")
    assert len(job(work[:3], np.zeros(3), 1, 0, 1)) == 3


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 9, 10, 11, 20, 36, 99)] == ["一", "九", "十", "十一", "二十", "三十六", "九十九"]
