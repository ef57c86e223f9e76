"""`python -m data …`: everything an operator does to a store. Works whether or not a server is running on it.

Exit status: 0 done, 1 done but something was refused or found wrong, 2 it could not run (one sentence on stderr).
"""

from __future__ import annotations

import argparse
import csv
import getpass
import glob
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from data import accounts, remote
from data.commands import COMMANDS, Answer, as_json
from data.errors import InputError, PieceworkError, StoreBusy, StoreError
from data.parser import parser
from data.store import Store, default_path

Row = dict[str, object]


# Progress ----------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Meter:
    """One line on stderr that is written over while something takes long; silent where stderr is no terminal."""

    what: str
    total: int | None = None
    _began: float = field(default_factory=time.monotonic)
    _shown: bool = False

    def __call__(self, done: object, total: object = None) -> None:
        """Show rows done so far, as a bar where the total is known."""
        if not sys.stderr.isatty() or not isinstance(done, int):
            return
        if isinstance(total, int):
            self.total = total
        spent = time.monotonic() - self._began
        if self.total:
            full = min(30, 30 * done // self.total)
            line = f"{self.what} [{'█' * full}{'·' * (30 - full)}] {done:,}/{self.total:,}"
        else:
            line = f"{self.what} {done:,} rows"
        sys.stderr.write(f"\r\x1b[K{line} · {spent:,.0f} s")
        sys.stderr.flush()
        self._shown = True

    def say(self, what: str) -> None:
        """Words instead of a number."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self.what}: {what} …")
            sys.stderr.flush()
            self._shown = True

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def say(text: str) -> None:
    """A remark for the person at the terminal; stdout stays clean for the answer."""
    print(text, file=sys.stderr)


def show(answer: object) -> None:
    """The answer as one JSON document on stdout."""
    json.dump(answer, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Rows as an aligned table on stdout; numbers to the right."""
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    right = [bool(rows) and all(isinstance(row.get(name), int) for row in rows) for name in columns]
    for line in [list(columns), *cells]:
        aligned = [cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in zip(line, widths, right, strict=True)]
        print("  ".join(aligned).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def do(verb: str, payload: Row, meter: Meter | None = None) -> Answer:
    """Run a verb of `data.commands` on the store, through its server where one is running."""
    command = COMMANDS[verb]
    path = default_path()
    if not command.creates and not path.exists():
        Store(path, create=False)  # raises the sentence that says what to do

    def local(store: Store) -> Answer:
        return cast(Answer, json.loads(as_json(command.run(store, payload, meter))))  # as it would come from a server

    try:
        return remote.perform(path, verb, payload, local, create=command.creates, progress=meter)
    finally:
        if meter is not None:
            meter.end()


# Verbs -------------------------------------------------------------------------------------------------------------------
def import_(args: argparse.Namespace) -> int:
    names: list[str] = []
    for name in args.files:
        found = sorted(glob.glob(name)) if any(sign in name for sign in "*?[") and not os.path.exists(name) else [name]
        names += found or [name]
    for name in names:
        if not os.path.isfile(name):
            raise InputError(f"There is no file {name}.", f"没有文件 {name}。")
    payload: Row = {"files": [os.path.abspath(name) for name in names]}
    payload |= {"table": args.table, "mapping": args.mapping, "source": args.source, "zone": args.zone}
    answer = do("import", payload, Meter("Importing"))
    files, errors = cast(list[Row], answer["files"]), cast(list[Row], answer["errors"])
    if answer.get("demo"):
        say("Note: this is the demo base; the rows now stand among invented ones (PIECEWORK_STORE names another store).")
    for error in errors:
        say(f"{error['file']}: {error['error']}" if str(error["file"]) not in str(error["error"]) else str(error["error"]))
    shown = [{key: row[key] for key in ("file", "table", "rows", "new", "updated", "duplicates", "rejected", "undated")} for row in files]
    naive = sum(cast(int, row.get("naive", 0)) for row in files)
    if naive and not args.zone:
        say(f"{naive:,} times had no zone and were read in the zone of the sites or the store (--zone names another).")
    if args.json:
        show({"files": shown, "seconds": answer["seconds"], **({"errors": errors} if errors else {})})
    elif shown:
        table(shown, list(shown[0]))
        print(f"{answer['seconds']} s")
    if errors:
        return 2
    rejected = sum(cast(int, row["rejected"]) for row in files)
    if rejected and not args.json:
        say(f"Refused rows: {rejected:,}. “python -m data rejects” lists them with the reasons.")
    return 1 if rejected else 0


def sync(args: argparse.Namespace) -> int:
    answer = do("sync", {"connection": args.connection, "sweep": args.sweep, "again": args.again}, Meter("Reading"))
    if args.json:
        show(answer)
    else:
        print(
            f"{answer['connection']}: {answer['new']:,} new, {answer['updated']:,} updated, {answer['rejected']:,} refused, "
            f"{answer['seen']:,} records read; {answer['seconds']} s"
        )
        if answer["rejected"]:
            say("“python -m data rejects” lists what was refused, with the reasons.")
    return 1 if answer["rejected"] else 0


def connection(args: argparse.Namespace) -> int:
    payload: Row = {"action": args.action, "name": getattr(args, "name", None)}
    if args.action in ("add", "edit"):
        payload |= {
            "tool": getattr(args, "tool", None), "address": args.address, "credential": args.credential, "hook_secret": args.hook_secret, "source": getattr(args, "source", None),
            "every": args.every, "projects": _pairs(args.project), "people": _pairs(args.person), "only": args.only,
            "keep_deleted": args.keep_deleted, "unchecked": args.unchecked, "mapping": args.mapping,
        }  # fmt: skip
    answer = do("connection", payload)
    if args.json:
        show(answer)
    elif args.action == "list":
        found = cast(list[Row], answer["connections"])
        shown = [
            "name",
            "title",
            "address",
            "every_s",
            "caught_up_at",
            "lag_s",
            "failures",
            "new",
            "updated",
            "rejected",
            "error",
            "remark",
        ]
        table(found, shown) if found else say("There are no connections yet.")
    elif args.action == "remove":
        print(f"{answer['name']} is removed; what it brought stays.")
    else:
        for key, value in cast(Row, answer["connection"]).items():
            if key != "clock":
                print(f"{key}: {_cell(value)}")
        for kind in ("projects", "users"):
            for one in cast(list[Row], (cast(Row | None, answer.get("discovered")) or {}).get(kind, [])):
                print(f"{kind[:-1]} {one['id']}: {one['name']}")
        if args.action in ("add", "edit"):
            say(f"A running server pulls it from now on; “python -m data sync {args.name}” does it at once.")
    return 0


def _pairs(given: Sequence[str]) -> dict[str, str]:
    """THEIRS=OURS, as often as given."""
    found = {}
    for text in given:
        theirs, equals, ours = text.partition("=")
        if not (equals and theirs.strip() and ours.strip()):
            raise InputError(f"“{text}” is not of the form THEIRS=OURS.", f"“{text}”应写作 对方编号=本方编号。")
        found[theirs.strip()] = ours.strip()
    return found


def rejects(args: argparse.Namespace) -> int:
    rows = cast(list[Row], do("rejects", {})["rejects"])
    columns = ["file", "line", "table", "code", "column", "value", "reason", "raw"]
    if args.csv:
        try:
            with open(args.csv, "w", encoding="utf-8-sig", newline="") as file:
                writer = csv.DictWriter(file, columns, extrasaction="ignore")
                writer.writeheader()
                writer.writerows({key: _unformula(value) for key, value in row.items()} for row in rows)
        except OSError as error:
            raise InputError(f"{args.csv} cannot be written: {error.strerror}.", f"无法写入 {args.csv}：{error.strerror}。") from None
        say(f"{len(rows):,} rows written to {args.csv}.")
    elif args.json:
        show({"rejects": rows})
    elif rows:
        table(rows, ["file", "line", "table", "reason", "raw"])
    else:
        say("No row was refused.")
    return 0


def _unformula(value: object) -> object:
    """Text that a spreadsheet would run as a formula, defused."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def loads(args: argparse.Namespace) -> int:
    answer = do("loads", {"limit": args.limit})
    if args.json:
        show(answer)
        return 0
    rows = [
        {
            "load": _span(cast(list[int], one["load_ids"])), "finished": str(one["finished_at"])[:16], "source": one["source"], "file": one["file"],
            "new": one["new"], "updated": one["updated"], "known": one["duplicates"], "refused": one["rejected"],
            "stands": "taken back" if one["undone_at"] else "yes" if one["undoable"] else "yes, for good",
        }
        for one in cast(list[Row], answer["loads"])
    ]  # fmt: skip
    table(rows, ("load", "finished", "source", "file", "new", "updated", "known", "refused", "stands"))
    return 0


def _span(ids: Sequence[int]) -> str:
    """Numbers of loads as `undo` takes them: 7, or 3-9 where all between belong together, else 3,5,9."""
    if len(ids) > 2 and ids[-1] - ids[0] == len(ids) - 1:
        return f"{ids[0]}-{ids[-1]}"
    return ",".join(map(str, ids))


def undo(args: argparse.Namespace) -> int:
    answer = do("undo", {"loads": _numbers(args.loads), "preview": args.preview, "by": getpass.getuser()})
    if args.json:
        show(answer)
        return 0
    before, after = cast(Row, answer["before"]), cast(Row, answer["after"])
    words = (("work", "rows of work"), ("units", "units"), ("hours", "hours"), ("reviews", "reviews"), ("workers", "people known"),
             ("projects", "projects known"), ("described", "other descriptions"))  # fmt: skip
    rows = [{"what": word, "before": f"{before[name]:,.10g}", "after": f"{after[name]:,.10g}"} for name, word in words]
    table(rows, ("what", "before", "after"))
    would = "Would take" if args.preview else "Took"
    say(f"{would} back {answer['removed']:,} facts; {answer['restored']:,} are again what another load said of them.")
    return 0


def _numbers(texts: Sequence[str]) -> list[int]:
    """Loads as `loads` prints them. Raises InputError for anything else."""
    found: list[int] = []
    for text in ",".join(texts).split(","):
        low, dash, high = text.strip().partition("-")
        if not low.isdigit() or (dash and not high.isdigit()):
            raise InputError(f"“{text}” is not the number of a load: “python -m data loads” lists them.", f"“{text}”不是导入编号。")
        found += range(int(low), int(high or low) + 1)
    return found


def identity(args: argparse.Namespace) -> int:
    payload: Row = {
        "action": args.action,
        "by": getpass.getuser(),
        "account": getattr(args, "account", None),
        "person": getattr(args, "person", None),
    }
    answer = do("identity", payload)
    if args.json:
        show(answer)
    elif args.action in ("list", "suggest"):
        found = cast(list[Row], answer["matches" if args.action == "list" else "suggestions"])
        rows = []
        for one in found:
            account, person = cast(Row, one["account"]), cast(Row, one["person"])
            told = {"decided": str(one["decided_at"])[:16], "by": one["decided_by"]} if args.action == "list" else {
                "why": " ".join(cast(list[str], one["why"])), "strength": one["strength"], "others": one["others"], "days both worked": one["days_both"]}  # fmt: skip
            rows.append({"account": account["worker_id"], "called": account["name"], "rows": account["rows"], "person": person["worker_id"],
                         "name": person["name"], **told})  # fmt: skip
        table(rows, tuple(rows[0]) if rows else ("account", "person"))
    else:
        say(f"{cast(int, answer['rows']):,} rows changed hands.")
    return 0


def verify(args: argparse.Namespace) -> int:
    answer = do("verify", {}, Meter("Verifying"))
    if args.json:
        show(answer)
    else:
        for check in cast(list[Row], answer["checks"]):
            print(f"{'ok   ' if check['ok'] else 'WRONG'}  {check['name']}  {check['detail']}".rstrip())
    return 0 if answer["ok"] else 1


def status(args: argparse.Namespace) -> int:
    answer = do("status", {})
    if args.json:
        show(answer)
        return 0
    for key, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"\n{key}")
            table(cast(list[Row], value), list(cast(Row, value[0])))
        elif isinstance(value, dict):
            print(f"\n{key}")
            for name, number in value.items():
                print(f"  {name}: {_cell(number)}")
        else:
            print(f"{key}: {_cell(value)}")
    return 0


def backup(args: argparse.Namespace) -> int:
    answer = do("backup", {"file": os.path.abspath(args.file)})
    show(answer) if args.json else print(f"{answer['file']} ({cast(int, answer['bytes']):,} bytes)")
    return 0


def restore(args: argparse.Namespace) -> int:
    if not os.path.isfile(args.file):
        raise StoreError(f"There is no backup {args.file}.", f"没有备份文件 {args.file}。")
    answer = do("restore", {"file": os.path.abspath(args.file)})
    show(answer) if args.json else print(f"{answer['store']} is now {answer['file']}; what it was is kept as {answer['kept']}.")
    return 0


def account(args: argparse.Namespace) -> int:
    payload: Row = {"action": args.action, "name": getattr(args, "name", None)}
    if args.action == "add":
        payload |= {"role": args.role, "site": args.site, "team": args.team, "worker": args.worker}
    if args.action in ("add", "password"):
        payload["password_hash"] = accounts.hash_password(_password(args.password_stdin))
    answer = do("account", payload)
    for warning in cast(list[str], answer.get("warnings", [])):
        say(warning)
    if args.json:
        show(answer)
    elif args.action == "list":
        found = cast(list[Row], answer["accounts"])
        table(found, ["name", "role", "site", "team", "worker", "disabled", "locked"]) if found else say("There are no accounts yet.")
    else:
        made = cast(Row, answer["account"])
        print(f"{made['name']} ({made['role']}){' is disabled' if made['disabled'] else ''}")
    return 0


def _password(from_stdin: bool) -> str:
    """Asked twice at a terminal; one line of stdin otherwise."""
    if from_stdin or not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            raise InputError("No password came on stdin.", "标准输入中没有密码。")
        return line.rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("The same again: "):
        raise InputError("The two passwords differ.", "两次输入的密码不一致。")
    return first


def token(args: argparse.Namespace) -> int:
    payload: Row = {"action": args.action, "name": getattr(args, "name", None)}
    if args.action == "add":
        payload |= {"source": args.source, "account": args.account}
    answer = do("token", payload)
    if args.json:
        show(answer)
    elif args.action == "list":
        found = cast(list[Row], answer["tokens"])
        table(found, ["name", "source", "account", "created_at", "revoked_at"]) if found else say("There are no tokens yet.")
    elif args.action == "add":
        print(answer["token"])
        may = [f"pushes rows as source “{answer['source']}”"] if answer["source"] else []
        may += [f"reads measures as “{answer['account']}” sees them"] if answer["account"] else []
        say(f"This token {' and '.join(may)}. It is not shown again.")
    else:
        print(f"{answer['name']} is revoked.")
    return 0


def mapping(args: argparse.Namespace) -> int:
    payload: Row = {"action": args.action, "name": getattr(args, "name", None)}
    if args.action == "save":
        try:
            payload["spec"] = json.loads(Path(args.file).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(f"{args.file} cannot be read: {error.strerror}.", f"无法读取 {args.file}：{error.strerror}。") from None
        except ValueError:
            raise InputError(f"{args.file} is not JSON.", f"{args.file} 不是有效的 JSON。") from None
    answer = do("mapping", payload)
    if args.json:
        show(answer)
    elif args.action == "list":
        print("\n".join(cast(list[str], answer["mappings"])))
    elif args.action == "show":
        show(answer["mapping"])
    else:
        print(f"{answer['name']} is saved: “python -m data import FILE --mapping {answer['name']}”.")
    return 0


def demo(args: argparse.Namespace) -> int:
    from data import demo as base

    path = default_path()
    if args.live:
        return _live(path)
    if path.exists():
        try:
            with Store(path) as store:
                mine = not store.is_demo and bool(store.rows("SELECT 1 FROM load UNION ALL SELECT 1 FROM account LIMIT 1"))
        except StoreBusy:
            raise StoreBusy(
                f"A server is running on {path}: stop it before building the demo base anew.",
                f"有服务正在使用 {path}：请先停止服务，再重新生成演示基地。",
            ) from None
        if mine:
            raise StoreError(
                f"{path} holds data of your own, which the demo base never overwrites: name another file with PIECEWORK_STORE.",
                f"{path} 中有您自己的数据，演示基地不会覆盖：请用 PIECEWORK_STORE 指定另一个文件。",
            )
    meter = Meter("Building the demo base")
    try:
        meter.say("playing the days")
        built = base.build(path, people=args.people, days=args.days, seed=args.seed, progress=meter)
    finally:
        meter.end()
    say(f"The demo base is ready: {path} ({built['seconds']} s). Start the server with “python dashboard.py”.")
    return 0


def _live(path: Path) -> int:
    """Push today's work of the demo base to the server on it, until the shift ends or Ctrl-C."""
    from data import demo as base

    answer = remote.call(path, "facts", {})
    if answer is None:
        raise remote.no_server(path)
    facts, newest = cast(dict[str, str | None], answer["facts"]), cast(str | None, answer["newest"])
    since = datetime.fromisoformat(newest) if newest else None
    sent, meter = 0, Meter("Sending today's work")
    try:
        for table_name, rows in base.live(base.Plan.of(facts), since=since):
            remote.push(path, table_name, rows, base.SOURCE)
            sent += len(rows)
            meter(sent)
    except KeyboardInterrupt:
        pass
    finally:
        meter.end()
    say(f"{sent:,} rows sent.")
    return 0


# The command line --------------------------------------------------------------------------------------------------------
VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "demo": demo,
    "import": import_,
    "sync": sync,
    "connection": connection,
    "rejects": rejects,
    "loads": loads,
    "undo": undo,
    "identity": identity,
    "verify": verify,
    "status": status,
    "backup": backup,
    "restore": restore,
    "account": account,
    "token": token,
    "mapping": mapping,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    args = parser(__doc__).parse_args(argv)
    try:
        return VERBS[args.verb](args)
    except PieceworkError as error:
        say(str(error))
    except KeyboardInterrupt:
        say("Interrupted; nothing unfinished was kept.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 2


if __name__ == "__main__":
    sys.exit(main())
