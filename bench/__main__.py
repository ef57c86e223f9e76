"""The benchmark: every budget beside what was measured on this machine.

python -m bench [--rows 50000000] [--json FILE] [--store FILE | --keep FOLDER] [--viewers 80] [--seconds 60] [--only PART,…]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import base, loading, methods, questions, report, serving
from bench.report import Row
from data import owner

PARTS = ("load", "csv", "size", "questions", "polars", "serve", "cold", "methods")
ALONE = {"cold", "methods"}  # parts that need neither files nor store of the year


def main() -> int:
    """Everything asked for; exit status 1 when a budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=base.ROWS, help="work rows of the year (fewer rows are fewer people)")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    parser.add_argument("--store", type=Path, help="measure on a store that an earlier run kept, instead of loading one (it is copied)")
    parser.add_argument("--keep", type=Path, help="leave files and store in this folder")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {','.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=3, help="times a question is asked; the median counts")
    parser.add_argument("--no-log", action="store_true", help="do not ask every question of the log as well (minutes at 50 M rows)")
    parser.add_argument("--pushes", type=int, default=60, help="bodies of 1,000 events")
    parser.add_argument("--screens", type=int, default=8, help="runs of each screen")
    parser.add_argument("--viewers", type=int, default=80, help="people clicking at once")
    parser.add_argument("--seconds", type=float, default=60, help="how long they click")
    parser.add_argument("--people", type=int, default=800, help="size of the demo base of the cold start")
    parser.add_argument("--days", type=int, default=90, help="days of the demo base of the cold start")
    args = parser.parse_args()
    parts = set(args.only.split(","))
    if unknown := parts - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose of {','.join(PARTS)}")
    if args.store and not args.store.is_file():
        parser.error(f"there is no store {args.store}")
    began = report.machine()
    with _folder(args.keep) as folder:
        rows, details = measure(args, parts, folder)
    ended = report.machine()["load_average"]
    print(report.table(rows))
    print(" · ".join(f"{name} {value}" for name, value in began.items()), f"· load average after {ended}")
    if args.json:
        found = {"rows": [asdict(row) for row in rows], "machine": began, "load_average_after": ended, **details}
        args.json.write_text(json.dumps(found, ensure_ascii=False, indent=1, default=str), "utf-8")
    return 0 if all(row.ok is not False for row in rows) else 1


def measure(args: argparse.Namespace, parts: set[str], folder: Path) -> tuple[list[Row], dict[str, object]]:
    """The parts asked for, in order."""
    rows, details = of_the_year(args, parts, folder) if parts - ALONE else ([], {})
    if "cold" in parts:
        say("cold start")
        rows.append(serving.cold_start(folder, args.people, args.days))
    if "methods" in parts:
        found, timed = methods.measure(args.repeats, say)
        rows += found
        details["methods"] = [asdict(one) for one in timed]
    return rows, details


def of_the_year(args: argparse.Namespace, parts: set[str], folder: Path) -> tuple[list[Row], dict[str, object]]:
    """What is measured on a year of work: its files, the store they make, and the server over it."""
    rows: list[Row] = []
    details: dict[str, object] = {}
    store = folder / "bench.duckdb"
    files: list[tuple[str, Path]] = []
    if args.store:
        shutil.copyfile(args.store, store)
    if not args.store or "csv" in parts:
        small = args.store is not None  # only the CSV part needs files then
        plan = base.Plan(min(args.rows, 2 * loading.CSV_ROWS) if small else args.rows, (datetime.now(UTC) - timedelta(days=1)).date())
        say(f"writing files: about {plan.rows:,} rows, {plan.seats} people")
        files = base.Base(plan, folder / "files").write()
    if not args.store:
        say("loading")
        row, loaded = loading.from_parquet(store, files, say)
        rows += [row] if "load" in parts else []
        details["files"] = [asdict(file) for file in loaded]
    if "csv" in parts:
        rows.append(loading.from_csv(folder, files, say))
    if "size" in parts:
        rows.append(loading.size(store))
    if parts & {"questions", "polars"}:
        with owner.opened(store, create=False) as opened:
            if "questions" in parts:
                found, every = questions.measure(opened, repeats=args.repeats, on_log=not args.no_log, progress=say)
                rows += found
                details["questions"] = [asdict(one) for one in every]
            if "polars" in parts:
                say("exporting for polars")
                questions.export(opened, folder)
                row, details["polars"] = questions.in_polars(opened, folder, args.repeats)
                rows.append(row)
    if "serve" in parts:
        rows += serving.everything(
            store, pushes_=args.pushes, screens_=args.screens, viewers=args.viewers, seconds=args.seconds, progress=say
        )
    return rows, details


def say(text: str) -> None:
    """Progress on stderr, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
    else:
        with tempfile.TemporaryDirectory(prefix="piecework-bench-") as folder:
            yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
