"""`python -m metrics …`: what the numbers mean, and the numbers. Works whether or not a server is running on the store.

Exit status: 0 done, 1 done but something asked for is not there (a note says what), 2 it could not run (one sentence on stderr).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast, get_args

from data import remote
from data.commands import as_json
from data.errors import NameUnknown, PieceworkError
from data.store import Store, default_path
from metrics.api import Answer, answer
from metrics.definitions import FAMILIES, REGISTRY
from metrics.export import FORMATS, as_csv, columns, write
from metrics.model import Measure, QueryError
from metrics.period import Compare
from metrics.reference import markdown, page
from metrics.scope import SYSTEM

Row = Mapping[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    args = _parser().parse_args(arguments)
    try:
        return cast(int, args.run(args))
    except PieceworkError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


# Verbs -------------------------------------------------------------------------------------------------------------------
def list_(args: argparse.Namespace) -> int:
    if args.markdown:
        sys.stdout.write(markdown())
        return 0
    offered = [(family, REGISTRY.measures[name]) for family, names in FAMILIES.items() for name in names]
    if args.json:
        print(
            as_json(
                {
                    "measures": [
                        {
                            "name": m.name, "family": family, "unit": m.unit, "better": m.better, "en": m.en, "zh": m.zh, "note": m.note.en, "note_zh": m.note.zh,
                            "by": REGISTRY.dims(m.name),
                        }
                        for family, m in offered
                    ],
                    "dimensions": [{"name": d.name, "en": d.en, "zh": d.zh} for d in REGISTRY.dimensions.values()],
                }
            )
        )  # fmt: skip
        return 0
    _table([{"name": m.name, "unit": m.unit, "en": m.en, "zh": m.zh} for _, m in offered], ("name", "unit", "en", "zh"))
    print(f"\ndimensions: {' '.join(REGISTRY.dimensions)}")
    return 0


def show(args: argparse.Namespace) -> int:
    print(page(args.measure))
    return 0


def run_(args: argparse.Namespace) -> int:
    found = _ask(args)
    if args.json:
        shown = {key: value for key, value in found.items() if key not in ("before", "before_total") or args.compare}
        print(as_json(shown))
    elif args.csv:
        sys.stdout.write(as_csv(found))
    else:
        _print(found)
    return 1 if _missing(found) else 0


def export(args: argparse.Namespace) -> int:
    target = Path(args.file)
    if target.suffix not in FORMATS:
        raise NameUnknown("export format", target.suffix, FORMATS, "导出格式")
    write(_ask(args), target)
    print(f"{target}", file=sys.stderr)
    return 0


def _ask(args: argparse.Namespace) -> Answer:
    """The answer, from the store itself or from the server that owns it."""
    payload: dict[str, object] = {
        "measures": _names(args.measures), "by": [name for part in args.by for name in _names(part)], "where": [_pair(text) for text in args.where],
        "from": args.start, "to": args.end, "compare": args.compare, "total": args.total, "exact": args.exact,
    }  # fmt: skip

    def local(store: Store) -> Answer:
        return answer(store, payload, SYSTEM)

    return remote.perform(default_path(), "metrics", payload, local, create=False)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(text: str) -> list[str]:
    dimension, equals, value = text.partition("=")
    if not equals or not dimension:
        raise QueryError(f"“{text}” is not of the form DIM=VALUE.", f"“{text}”应写作 维度=值。")
    return [dimension.strip(), value.strip()]


def _missing(found: Answer) -> bool:
    return any(str(note).startswith("There is no ") for note in cast(list[str], found["notes"]))


# Printing ----------------------------------------------------------------------------------------------------------------
def _print(found: Answer) -> None:
    rows = [dict(row) for row in cast(list[Row], found["rows"])]
    total = cast(Row | None, found["total"])
    by = cast(list[str], found["by"])
    if total is not None and by:
        rows.append({by[0]: "total", **total})
    _table(rows, columns(found))
    as_of = f"; data to {found['as_of']}" if found["as_of"] else ""
    print(f"\n{found['filters']}{as_of}")
    for note in cast(list[str], found["notes"]):
        print(f"- {note}")


def _table(rows: Sequence[Row], names: Sequence[str]) -> None:
    measures: Mapping[str, Measure] = REGISTRY.measures
    cells = [[_cell(row.get(name), measures.get(name)) for name in names] for row in rows]
    widths = [max(_width(line[i]) for line in (list(names), *cells)) for i in range(len(names))]
    right = [all(not isinstance(row.get(name), str) for row in rows) for name in names]
    for line in (list(names), *cells):
        parts = (" " * (w - _width(c)) + c if r else c + " " * (w - _width(c)) for c, w, r in zip(line, widths, right, strict=True))
        print("  ".join(parts).rstrip())


def _cell(value: object, measure: Measure | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6f}" if measure is None or measure.unit == "ratio" else f"{value:,.{max(measure.digits, 2)}f}"
    if isinstance(value, Decimal):
        return f"{value:,f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    return str(value)


def _width(text: str) -> int:
    """Columns a text takes in a terminal; a Chinese character takes two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m metrics", description="What the numbers mean, and the numbers.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    one = verbs.add_parser("list", help="every measure and dimension")
    one.add_argument("--json", action="store_true", help="one JSON document on stdout")
    one.add_argument("--markdown", action="store_true", help="the text of docs/metrics.md")
    one.set_defaults(run=list_)
    one = verbs.add_parser("show", help="what a measure means, and its SQL")
    one.add_argument("measure")
    one.set_defaults(run=show)
    one = verbs.add_parser("run", help="ask for measures")
    _question(one)
    shape = one.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON document on stdout")
    shape.add_argument("--csv", action="store_true", help="CSV on stdout")
    one.set_defaults(run=run_)
    one = verbs.add_parser("export", help="ask for measures and write a file (.csv .xlsx .parquet .json)")
    _question(one)
    one.add_argument("file")
    one.set_defaults(run=export)
    return parser


def _question(one: argparse.ArgumentParser) -> None:
    one.add_argument("measures", metavar="MEASURE[,MEASURE...]")
    one.add_argument("--by", action="append", default=[], metavar="DIM[,DIM]", help="split by these dimensions")
    one.add_argument("--from", dest="start", metavar="D", help="first business date, like 2026-03-01")
    one.add_argument("--to", dest="end", metavar="D", help="last business date")
    one.add_argument("--where", action="append", default=[], metavar="DIM=VALUE", help="only these; repeat for more")
    one.add_argument("--compare", choices=get_args(Compare), help="the same for an earlier period")
    one.add_argument("--total", action="store_true", help="also over everything, recomputed")
    one.add_argument("--exact", action="store_true", help="percentiles from the log instead of the histogram")


if __name__ == "__main__":
    sys.exit(main())
