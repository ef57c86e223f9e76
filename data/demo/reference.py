"""Everything around the log of the invented base as canonical tables: sites, people, projects, money, plans, notes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data.demo.days import EPOCH, LEAVES, NO_WORK, Calendar, Roster
from data.demo.floor import CHECK, DAY_MS, ZONE_MS, Floor
from data.demo.names import CHANNELS, CONTRACTS, LEAVE_REASONS
from data.demo.people import OFFICE, ROLES, SITES, STAYS, Cast
from data.demo.projects import CLIENTS, GUIDELINE_PROJECT, PROJECTS, SLIDE_PRICE, SLIDE_RATE, TRADE, TRADES, Project
from data.tables import ARROW, TABLES, Batch

ZONE, DAY_START = "Asia/Shanghai", 6 * 60
THREE_YEARS = 1096
# kind, yuan a month at 800 people
COSTS = (("rent", 62_000), ("power", 44_000), ("management", 205_000), ("network", 18_000), ("equipment", 26_000), ("training", 14_000))
SUBSIDY = 58_000


def batch(table: str, rows: list[dict[str, object]]) -> Batch:
    """Records as a canonical batch with the table's own types; columns that no record has are left out."""
    given = {name for row in rows for name in row}
    columns = {
        column.name: pa.array([row.get(column.name) for row in rows], ARROW[column.kind])
        for column in TABLES[table].columns
        if column.name in given
    }
    return Batch(table, pa.table({**columns, "line": pa.array(range(1, len(rows) + 1), pa.int64())}), read=len(rows))


def day(number: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=number)


def _money(amount: float, places: int = 4) -> Decimal:
    return Decimal(f"{amount:.{places}f}")


def before(floor: Floor) -> Iterator[Batch]:
    """What is known before the first day, in the order it is loaded."""
    cast, calendar = floor.cast, floor.calendar
    yield _sites()
    yield _teams(cast)
    yield from _people(cast)
    yield _projects(calendar)
    yield from _money_tables(calendar)
    yield _costs(cast, calendar)
    yield _standards(calendar)
    yield _notes(calendar)


def after(floor: Floor, cut: int, rosters: list[Roster], made: npt.NDArray[np.float64]) -> Iterator[Batch]:
    """What the days left behind. `cut`: now, UTC ms; `made`: units by day, project and site."""
    yield _lots(floor, cut)
    yield _quotas(floor.calendar, made)
    yield _attendance(floor.cast, floor.calendar, rosters, cut)


def _sites() -> Batch:
    return batch("sites", [
        {"site_id": s.id, "name": s.zh, "name_en": s.en, "zone": ZONE, "day_start": DAY_START, "seats": s.seats, "minimum_wage": Decimal(s.minimum_wage)}
        for s in SITES
    ])  # fmt: skip


def _teams(cast: Cast) -> Batch:
    leads = cast.leads(cast.today)
    return batch("teams", [
        {"team_id": t.id, "name": t.zh, "name_en": t.en, "site_id": SITES[t.site].id, "modality": None if t.trade == OFFICE else TRADES[t.trade].kind,
         "lead_worker_id": cast.ids[leads[number]] if number in leads else None}
        for number, t in enumerate(cast.teams)
    ])  # fmt: skip


def _people(cast: Cast) -> Iterator[Batch]:
    yield batch("workers", [
        {"worker_id": cast.ids[s.worker], "name": cast.names[s.worker], "hire_date": day(s.hired), "leave_date": None if s.left == STAYS else day(s.left),
         "leave_reason": None if s.left == STAYS else LEAVE_REASONS[s.reason][0], "voluntary": None if s.left == STAYS else LEAVE_REASONS[s.reason][1],
         "contract": CONTRACTS[s.contract][0], "channel": CHANNELS[s.channel][0]}
        for s in cast.spells
    ])  # fmt: skip
    yield batch("assignments", [
        {"worker_id": cast.ids[m.worker], "valid_from": day(m.day), "site_id": SITES[m.site].id, "team_id": cast.teams[m.team].id, "role": ROLES[m.role],
         "skill_level": m.level}
        for m in cast.moves
    ])  # fmt: skip


def _projects(calendar: Calendar) -> Batch:
    span = calendar.today - calendar.first
    rows: list[dict[str, object]] = []
    for number, p in enumerate(PROJECTS):
        due = calendar.first + round(span * p.ends) if p.ends < 1 else calendar.today + 12 + (number * 37) % 70
        rows.append({
            "project_id": p.id, "name": p.zh, "name_en": p.en, "client": p.client, "client_en": CLIENTS[p.client],
            "modality": TRADES[TRADE[p.trade]].kind, "task_type": p.task, "unit": p.unit, "ordered_units": Decimal(round(p.weight * p.units) * 60_000),
            "due_date": day(due), "quality_limit": Decimal(str(p.limit)), "tier": p.tier, "upstream": p.upstream,
        })  # fmt: skip
    return batch("projects", rows)


def _lots(floor: Floor, cut: int) -> Batch:
    """What is known of each batch at the moment of the cut."""
    rows: list[dict[str, object]] = []
    for lot in floor.lots:
        row: dict[str, object] = {"batch_id": lot.name, "project_id": PROJECTS[lot.project].id}
        if lot.parent >= 0:
            if (floor.lots[lot.parent].decided or 0) > cut:
                continue
            row["resubmission_of"] = floor.lots[lot.parent].name
        if lot.delivered is not None and lot.delivered <= cut:
            row |= {"units": Decimal(lot.units), "delivered_at": lot.delivered, "decision": "pending"}
            if lot.inspected and lot.decided is not None and lot.decided <= cut:
                row |= {"decided_at": lot.decided, "decision": "accept" if lot.accepted else "reject",
                        "inspected": Decimal(lot.inspected), "defects": Decimal(lot.defects)}  # fmt: skip
        rows.append(row)
    return batch("batches", rows)


def slid(now: float, age: float, fall: float) -> float:
    """An amount so many days ago when it falls by `fall` over three years to what it is now."""
    return now * float((1 - fall) ** (-age / THREE_YEARS))


def _changes(project: Project, today: int) -> list[int]:
    """The days on which prices and rates change: the start of the contract and every quarter."""
    start = day(today - min(project.age, THREE_YEARS))
    quarters = [date(year, month, 1) for year in range(start.year, day(today).year + 1) for month in (1, 4, 7, 10)]
    return [(moment - EPOCH).days for moment in [start, *(q for q in quarters if start < q <= day(today))]]


def _money_tables(calendar: Calendar) -> Iterator[Batch]:
    prices: list[dict[str, object]] = []
    rates: list[dict[str, object]] = []
    for p in PROJECTS:
        for moment in _changes(p, calendar.today):
            age = calendar.today - moment
            prices.append(
                {"project_id": p.id, "valid_from": day(moment), "amount": _money(slid(p.price, age, SLIDE_PRICE)), "currency": "CNY"}
            )
            rate = slid(p.rate, age, SLIDE_RATE)
            check = CHECK * (0.7 if p.sampled >= 1 else 1.5)
            for action, amount, pay_on in (
                ("annotate", rate, p.pay_on),
                ("rework", rate * p.rework, p.pay_on),
                ("review", rate * check, "submit"),
            ):
                rates.append(
                    {
                        "project_id": p.id,
                        "valid_from": day(moment),
                        "amount": _money(amount),
                        "currency": "CNY",
                        "action": action,
                        "pay_on": pay_on,
                    }
                )
    yield batch("prices", prices)
    yield batch("rates", rates)


def _costs(cast: Cast, calendar: Calendar) -> Batch:
    rng = np.random.default_rng(calendar.today)
    rows: list[dict[str, object]] = []
    first, last = day(calendar.first - 365), day(calendar.today)
    months = [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(24)]
    scale = int(cast.at(cast.today).here.sum()) / 1040
    for month in (m for m in months if m <= last):
        for site in SITES:
            for kind, amount in COSTS:
                season = (
                    1.0
                    if kind == "rent"
                    else 1 + 0.04 * rng.standard_normal() + (0.25 if kind == "power" and month.month in (1, 7, 8, 12) else 0)
                )
                rows.append(
                    {"site_id": site.id, "month": month, "kind": kind, "amount": _money(amount * scale * site.size**0.9 * season, 2)}
                )
            rows.append({"site_id": site.id, "month": month, "kind": "subsidy", "amount": _money(SUBSIDY * scale * site.size, 2)})
    return batch("costs", rows)


def _standards(calendar: Calendar) -> Batch:
    rows: list[dict[str, object]] = [
        {"project_id": p.id, "valid_from": day(calendar.today - min(p.age, THREE_YEARS)), "seconds_per_unit": _money(p.seconds, 2)}
        for p in PROJECTS
    ]
    new = next(p for p in PROJECTS if p.id == GUIDELINE_PROJECT)
    rows.append({"project_id": new.id, "valid_from": day(calendar.guideline), "seconds_per_unit": _money(new.seconds * 1.04, 2)})
    return batch("standards", rows)


def _quotas(calendar: Calendar, made: npt.NDArray[np.float64]) -> Batch:
    """Planned units a working day: three per cent above the mean of the six full days before it."""
    rows: list[dict[str, object]] = []
    full: list[int] = []
    for number in range(len(made)):
        that = calendar.first + number
        if calendar.rest(that) or that in calendar.slack:
            continue
        basis = made[full[-6:] or [number]].mean(axis=0) * 1.03
        for project, site in np.argwhere(basis > 0):
            units = Decimal(int(round(basis[project, site], -2)) or 100)
            rows.append({"project_id": PROJECTS[project].id, "site_id": SITES[site].id, "work_date": day(that), "units": units})
        full.append(number)
    return batch("quotas", rows)


def _attendance(cast: Cast, calendar: Calendar, rosters: list[Roster], cut: int) -> Batch:
    """One row a person and rostered day; today's leavers have not clocked out yet."""
    reasons = [*(name for name, _ in LEAVES), NO_WORK]
    seat = _seats(cast, rosters)
    parts = []
    for number, r in enumerate(rosters):
        midnight = (calendar.first + number) * DAY_MS - ZONE_MS
        came = midnight + (r.clock_in * 1000).astype(np.int64)
        went = midnight + (r.clock_out * 1000).astype(np.int64)
        off = r.leave != -1
        kind = pa.array(np.where(r.leave == -2, len(LEAVES), r.leave).astype(np.int32), mask=~off)
        parts.append(pa.table({
            "worker_id": pa.array([cast.ids[w] for w in r.worker], pa.string()),
            "work_date": pa.array(np.full(len(r.worker), calendar.first + number, dtype=np.int32), pa.int32()).cast(pa.date32()),
            "rostered_minutes": pa.array(r.minutes),
            "clock_in": pa.array(came.astype("datetime64[ms]"), mask=off | (came > cut)),
            "clock_out": pa.array(went.astype("datetime64[ms]"), mask=off | (went > cut)),
            "leave": pa.DictionaryArray.from_arrays(kind, reasons).cast(pa.string()),
            "seat": pa.array([seat[int(w)] for w in r.worker], pa.string()),
        }))  # fmt: skip
    rows = pa.concat_tables(parts)
    return Batch("attendance", rows.append_column("line", pa.array(np.arange(1, rows.num_rows + 1))), read=rows.num_rows)


def _seats(cast: Cast, rosters: list[Roster]) -> dict[int, str]:
    """A seat of their own for everybody on the rosters: by team, then for those who have left since."""
    state = cast.at(cast.today)
    people = np.unique(np.concatenate([r.worker for r in rosters]))
    found: dict[int, str] = {}
    for site in range(len(SITES)):
        mine = people[state.site[people] == site]
        for rank, worker in enumerate(mine[np.lexsort((state.team[mine], ~state.here[mine]))]):
            found[int(worker)] = f"{chr(ord('A') + rank // 50)}-{1 + rank % 50:02d}"
    return found


def _notes(calendar: Calendar) -> Batch:
    rows: list[dict[str, object]] = [
        {"project_id": GUIDELINE_PROJECT, "from_date": day(calendar.guideline), "kind": "guideline",
         "text": "规范 v7 生效：遮挡超过 30% 的车辆改为按可见部分贴合", "text_en": "Guideline v7: vehicles more than 30 % hidden are boxed to their visible part"},
        {"from_date": day(calendar.outage), "to_date": day(calendar.outage), "kind": "outage",
         "text": "CVAT 服务器故障，14:00–16:00 无法提交", "text_en": "CVAT server down, nothing could be submitted 14:00–16:00"},
        {"from_date": day(calendar.slack.start), "to_date": day(calendar.slack.stop - 1), "kind": "slack",
         "text": "上游项目切换，两周断活：永和停工，清涧仅两成人有任务", "text_en": "Between projects: no work at Yonghe, work for a fifth of the people at Qingjian"},
    ]  # fmt: skip
    english = {"元旦": "New Year", "春节": "Spring Festival", "劳动节": "Labour Day", "国庆节": "National Day"}
    number = calendar.first
    while number <= calendar.today:
        name = calendar.holiday(number)
        last = number
        while name and calendar.holiday(last + 1) == name:
            last += 1
        if name:
            rows.append(
                {"from_date": day(number), "to_date": day(last), "kind": "holiday", "text": f"{name}放假", "text_en": english[name]}
            )
        number = last + 1
    return batch("notes", [{"note_id": f"N{index:03d}", **row} for index, row in enumerate(rows, 1)])
