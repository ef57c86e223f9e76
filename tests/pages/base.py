"""A small base with known contents, loaded through the real loader: what the screens are tried on.

Two sites, three teams, 24 people, four projects of two clients, 50 days and as much of today as is over, six days out of seven.
Person k of a project of pace p needs p × (0.8 + 0.02 k) seconds a unit, so that who is fast is known. Every tenth row is
rejected and redone; batches of a week are accepted five days after it ends.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from data.load import load
from data.store import Store
from data.tables import ARROW, TABLES, Batch

DAYS = 50
PEOPLE = 24
PROJECTS = {
    "P1": ("街景框选", "Street boxes", "星河汽车", "Galaxy Auto", "image", 10.0, "0.06", "0.035"),
    "P2": ("点云分割", "Point clouds", "星河汽车", "Galaxy Auto", "pointcloud", 60.0, "0.40", "0.22"),
    "P3": ("客服录音", "Call audio", "云声科技", "Cloud Voice", "audio", 30.0, "0.18", "0.12"),
    "P4": ("票据文本", "Receipts", "云声科技", "Cloud Voice", "text", 20.0, "0.05", "0.06"),
}
ERRORS = ("漏标", "多标", "错类")


def team_of(k: int) -> str:
    """T1 and T2 sit in S1 (16 people), T3 in S2 (8 people)."""
    return "T1" if k < 8 else "T2" if k < 16 else "T3"


def projects_of(k: int) -> tuple[str, str]:
    """The easy and the hard project of a person; even people do more of the easy one."""
    return ("P1", "P2") if k % 2 == 0 else ("P4", "P3")


def seconds_per_unit(project: str, k: int) -> float:
    """What person k needs for a unit."""
    return PROJECTS[project][5] * (0.8 + 0.02 * k)


def build(path: Path, *, demo: bool = True, now: datetime | None = None) -> Store:
    """The small base as a fresh store; nothing in it is later than `now` (UTC, without a zone)."""
    store = Store(path)
    load(store, [_batch(name, rows) for name, rows in _tables(now or datetime.now(UTC).replace(tzinfo=None)).items()], source="small")
    store.set_meta("demo", "yes" if demo else "no")
    return store


def _tables(now: datetime) -> dict[str, list[dict[str, object]]]:
    today = (now + timedelta(hours=8)).date()
    start = today - timedelta(days=DAYS)
    month = start.replace(day=1)
    tables: dict[str, list[dict[str, object]]] = {
        "sites": [
            {"site_id": "S1", "name": "清涧基地", "name_en": "Qingjian", "zone": "Asia/Shanghai", "seats": 20},
            {"site_id": "S2", "name": "临河基地", "name_en": "Linhe", "zone": "Asia/Shanghai", "seats": 10},
        ],
        "teams": [
            {"team_id": t, "name": f"{n}组", "name_en": f"Team {n}", "site_id": "S1" if n < 3 else "S2"}
            for n, t in enumerate(("T1", "T2", "T3"), 1)
        ],
        "workers": [
            {
                "worker_id": f"W{k:02}",
                "name": f"员工{k:02}",
                "site_id": "S1" if k < 16 else "S2",
                "team_id": team_of(k),
                "role": "annotator",
                "hire_date": start - timedelta(days=30 * (k % 5) + 1),
                "leave_date": start + timedelta(days=25) if k == 7 else None,
                "voluntary": True if k == 7 else None,
                "contract": "full_time",
            }
            for k in range(PEOPLE)
        ],
        "projects": [
            {"project_id": p, "name": r[0], "name_en": r[1], "client": r[2], "client_en": r[3], "modality": r[4], "unit": "box"}
            for p, r in PROJECTS.items()
        ],
        "prices": [{"project_id": p, "valid_from": month, "amount": Decimal(r[6])} for p, r in PROJECTS.items()],
        "rates": [
            {"project_id": p, "valid_from": month, "amount": Decimal(r[7]), "action": a, "pay_on": "submit"}
            for p, r in PROJECTS.items()
            for a in ("annotate", "rework")
        ],
        "costs": [
            {"site_id": s, "month": m, "kind": "rent", "amount": Decimal(9000)} for s in ("S1", "S2") for m in {month, today.replace(day=1)}
        ],
        "notes": [
            {
                "note_id": "N1",
                "from_date": today - timedelta(days=10),
                "kind": "guideline",
                "text": "标注规范 v7",
                "text_en": "Guideline v7",
                "project_id": "P1",
            }
        ],
        "batches": [],
        "annotations": [],
        "reviews": [],
    }
    weeks: dict[tuple[str, str], tuple[date, Decimal]] = {}
    n = 0
    for d in range(DAYS + 1):
        day = start + timedelta(days=d)
        if d % 7 == 6:
            continue
        for k in range(PEOPLE):
            if k == 7 and d >= 25:
                continue
            at = datetime(day.year, day.month, day.day, 1, 0, k)  # 09:00 in Shanghai
            for j in range(6):
                project = projects_of(k)[j % 3 == 2]
                units = Decimal(40 + (d + k + j) % 9)
                used = Decimal(str(round(float(units) * seconds_per_unit(project, k), 3)))
                at += timedelta(seconds=float(used) + 60)
                if at > now - timedelta(minutes=3):  # its rework must have happened too
                    break
                batch = f"{project}-{(day - timedelta(days=day.weekday())).isoformat()}"
                weeks[project, batch] = (day - timedelta(days=day.weekday()), weeks.get((project, batch), (day, Decimal(0)))[1] + units)
                n += 1
                bad = n % 10 == 0
                fact = {"worker_id": f"W{k:02}", "project_id": project, "item_id": f"i{n}", "batch_id": batch}
                tables["annotations"].append({**fact, "event_id": f"e{n}", "ts": at, "units": units, "duration_s": used, "clock": "active"})
                if at + timedelta(hours=3) <= now:
                    tables["reviews"].append(
                        {
                            **fact,
                            "review_id": f"r{n}",
                            "event_id": f"e{n}",
                            "ts": at + timedelta(hours=3),
                            "reviewer_id": f"W{(k + 3) % PEOPLE:02}",
                            "verdict": "reject" if bad else "accept",
                            "stage": "qc1",
                            "inspected_units": units,
                            "error_units": Decimal(3) if bad else Decimal(0),
                            "error_type": ERRORS[n % 3] if bad else None,
                        }
                    )
                if bad:
                    at += timedelta(seconds=120)
                    tables["annotations"].append(
                        {
                            **fact,
                            "event_id": f"e{n}-2",
                            "ts": at,
                            "units": units,
                            "duration_s": Decimal(100),
                            "clock": "active",
                            "action": "rework",
                        }
                    )
    for (project, batch), (monday, units) in weeks.items():
        decided = monday + timedelta(days=11)
        done = decided <= today
        tables["batches"].append(
            {
                "batch_id": batch,
                "project_id": project,
                "units": units,
                "delivered_at": datetime(monday.year, monday.month, monday.day) + timedelta(days=7),
                "decided_at": datetime(decided.year, decided.month, decided.day) if done else None,
                "decision": "accept" if done else "pending",
            }
        )
    return tables


def _batch(name: str, rows: list[dict[str, object]]) -> Batch:
    kinds = {c.name: ARROW[c.kind] for c in TABLES[name].columns}
    used = [c for c in kinds if any(c in row for row in rows)]
    table = pa.table(
        {c: pa.array([row.get(c) for row in rows], type=kinds[c]) for c in used}
        | {"line": pa.array(range(1, len(rows) + 1), type=pa.int64())}
    )
    return Batch(name, table, [], len(rows))
