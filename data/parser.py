"""The command line of `python -m data`: every verb and option."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from data.codes import ROLES
from data.connectors.registry import CONNECTORS
from data.tables import TABLES


def parser(description: str | None = None) -> argparse.ArgumentParser:
    """Every verb (`verb` of what it parses) and option; `description` is what its help begins with."""
    top = argparse.ArgumentParser(prog="python -m data", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, words: str, *, as_json: bool = True) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=words, description=words)
        if as_json:
            made.add_argument("--json", action="store_true", help="one JSON document on stdout")
        return made

    def actions(name: str, words: str, *pairs: tuple[str, str], named: bool = True) -> Iterator[tuple[str, argparse.ArgumentParser]]:
        """The actions of a verb, each with --json and (but `list`, where `named`) with the name of what it is about."""
        made = verb(name, words, as_json=False).add_subparsers(dest="action", required=True, metavar="ACTION")
        for action, said in pairs:
            one = made.add_parser(action, help=said, description=said)
            one.add_argument("--json", action="store_true", help="one JSON document on stdout")
            if named and action != "list":
                one.add_argument("name", metavar="NAME")
            yield action, one

    one = verb("demo", "build the invented base, or keep today going on a running server", as_json=False)
    one.add_argument("--people", type=int, default=800, help="people at the first site (800); the second has 0.3 times as many")
    one.add_argument("--days", type=int, default=90, help="days back from today (90)")
    one.add_argument("--seed", type=int, default=7, help="the same seed gives the same base (7)")
    one.add_argument("--live", action="store_true", help="send today's work through the HTTP API until interrupted")

    one = verb("import", "take files in: CSV, Excel, JSONL, Parquet")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument("--as", dest="table", choices=sorted(TABLES), metavar="TABLE", help=f"what the rows are: {', '.join(sorted(TABLES))}")
    one.add_argument("--mapping", metavar="NAME", help="a saved mapping")
    one.add_argument("--source", metavar="NAME", help="whose ids these are; (source, id) names a fact")
    one.add_argument("--zone", metavar="ZONE", help="IANA zone of times that name none, such as Asia/Shanghai")

    one = verb("sync", "pull from a connected tool, up to now")
    one.add_argument("connection", metavar="CONNECTION")
    one.add_argument("--sweep", action="store_true", help="also look for what was deleted there (done by itself every six hours)")
    one.add_argument("--again", action="store_true", help="read everything from the beginning; what is known stays as it is")

    for action, two in actions(
        "connection",
        "tools this base is connected to",
        ("add", "connect a tool, after asking it what it shows"),
        ("edit", "change what is named, the rest stays"),
        ("list", "show how connections stand"),
        ("show", "show one"),
        ("remove", "forget one; what it brought stays"),
    ):
        if action == "add":
            two.add_argument("--tool", required=True, choices=sorted(CONNECTORS), metavar="TOOL", help=", ".join(sorted(CONNECTORS)))
            two.add_argument("--source", metavar="NAME", help="whose ids these are (default: the connection's name)")
        if action in ("add", "edit"):
            two.add_argument(
                "--address", required=action == "add", metavar="URL", help="where the tool is: a URL, or a folder on the server"
            )
            two.add_argument(
                "--credential", metavar="REF", help="where its token is: env:NAME or file:/path, never itself (a folder needs none)"
            )
            two.add_argument("--mapping", metavar="NAME", help="the saved mapping through which a folder's files are read")
            two.add_argument("--hook-secret", metavar="REF", help="where the secret of its webhooks is, likewise (none: no webhooks)")
            two.add_argument("--every", type=int, metavar="SECONDS", help="from one pull to the next (30)")
            two.add_argument("--project", action="append", default=[], metavar="THEIRS=OURS", help="a project here for one there")
            two.add_argument(
                "--person", action="append", default=[], metavar="THEIRS=OURS", help="a worker id for a user id, name or e-mail"
            )
            two.add_argument("--only", action="append", default=[], metavar="PROJECT", help="read this project of the tool, not all")
            two.add_argument("--keep-deleted", action="store_true", default=None, help="what is deleted there keeps its output here")
            two.add_argument("--unchecked", action="store_true", help="do not ask the tool first")

    one = verb("rejects", "what was refused: file, line, reason, raw text")
    one.add_argument("--csv", metavar="FILE", help="write them to a CSV file")

    verb("loads", "what came in, file by file").add_argument("--limit", type=int, default=50, metavar="N", help="the latest N (50)")
    one = verb("undo", "take loads back: the store becomes what it would be without them")
    one.add_argument("loads", nargs="+", metavar="LOAD", help="numbers as `loads` prints them: 7, or 3-9")
    one.add_argument("--preview", action="store_true", help="say what would become of the totals, and change nothing")

    for action, two in actions(
        "identity",
        "whose accounts in the tools are whose",
        ("suggest", "show accounts that are likely a person's"),
        ("list", "show what was decided"),
        ("same", "let an account be a person's"),
        ("apart", "take that back"),
        ("different", "remember that they are not one; not suggested again"),
        named=False,
    ):
        if action in ("same", "apart", "different"):
            two.add_argument("account", metavar="ACCOUNT", help="worker id that a tool gave")
        if action in ("same", "different"):
            two.add_argument("person", metavar="PERSON", help="worker id of the person")

    verb("verify", "roll-ups = log, keys unique, references whole; exit status 1 if not")
    verb("status", "rows, span, freshness per source, undated rows, size, version")
    verb("backup", "write a whole copy while others read").add_argument("file", metavar="FILE")
    verb("restore", "check a backup and put it in the store's place").add_argument("file", metavar="FILE")

    for action, two in actions(
        "account",
        "who may sign in",
        ("add", "create an account"),
        ("list", "show accounts"),
        ("disable", "shut an account out"),
        ("enable", "let it in again"),
        ("password", "set a new password"),
    ):
        if action in ("add", "password"):
            two.add_argument("--password-stdin", action="store_true", help="read the password from one line of stdin instead of asking")
        if action == "add":
            two.add_argument("--role", required=True, metavar="ROLE", help=", ".join(ROLES))
            two.add_argument("--site", metavar="S", help="the site it looks after")
            two.add_argument("--team", metavar="T", help="the team it looks after")
            two.add_argument("--worker", metavar="W", help="the worker it is")

    for action, two in actions(
        "token", "keys for programs", ("add", "make a token and print it once"), ("list", "show tokens"), ("revoke", "stop a token")
    ):
        if action == "add":
            two.add_argument("--source", metavar="S", help="rows pushed with it belong to this source (default: the token's name)")
            two.add_argument("--account", metavar="NAME", help="it reads measures as this account sees them")

    for action, two in actions(
        "mapping",
        "saved layouts of files",
        ("list", "show their names"),
        ("show", "print one as JSON"),
        ("save", "keep one, from a JSON file"),
    ):
        if action == "save":
            two.add_argument("file", metavar="FILE")
    return top
