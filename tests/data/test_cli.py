"""`python -m data`: exit status, one sentence on stderr, one JSON document on stdout."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from data import __main__ as cli
from data import accounts
from data.store import Store
from data.verify import verify

GOOD = "event_id,worker_id,project_id,item_id,ts,duration_s\ne1,w1,p1,i1,2026-03-02T01:00:00Z,10\ne2,w2,p1,i2,2026-03-02T01:01:00Z,20\n"
BAD = GOOD + "e3,,p1,=cmd(),2026-03-02T01:02:00Z,30\n"


class Cli:
    """Runs commands in this process on one store."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self._capsys, self._monkeypatch = folder / "s.duckdb", capsys, monkeypatch
        monkeypatch.setenv("PIECEWORK_STORE", str(self.store))

    def __call__(self, *args: object, stdin: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        status = cli.main([str(arg) for arg in args])
        out, err = self._capsys.readouterr()
        return status, out, err


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(tmp_path, capsys, monkeypatch)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / "good.csv").write_text(GOOD, "utf-8")
    return tmp_path / "good.csv"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "bad.csv").write_text(BAD, "utf-8")
    return tmp_path / "bad.csv"


def test_import_counts_and_the_same_file_again_changes_nothing(run: Cli, good: Path) -> None:
    status, out, err = run("import", good, "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert set(answer) == {"files", "seconds"}
    assert answer["files"] == [
        {"file": "good.csv", "table": "annotations", "rows": 2, "new": 2, "updated": 0, "duplicates": 0, "rejected": 0, "undated": 0}
    ]
    status, out, _ = run("import", good, "--json")
    assert (status, json.loads(out)["files"][0]["duplicates"]) == (0, 2)
    with Store(run.store) as store:
        assert store.rows("SELECT event_id FROM work ORDER BY 1") == [("e1",), ("e2",)]


def test_refused_rows_are_status_one_and_can_be_listed(run: Cli, bad: Path, tmp_path: Path) -> None:
    status, out, err = run("import", bad)
    assert (status, len(err.splitlines())) == (1, 1)
    assert "Refused rows: 1" in err
    assert "good" not in out
    status, out, _ = run("rejects", "--json")
    (row,) = json.loads(out)["rejects"]
    assert (status, row["file"], row["line"], row["code"], row["column"]) == (0, "bad.csv", 4, "missing", "worker_id")
    assert "=cmd()" in row["raw"]
    assert run("rejects", "--csv", tmp_path / "r.csv")[0] == 0
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        (kept,) = csv.DictReader(file)
    assert (kept["file"], kept["line"]) == ("bad.csv", "4")
    assert run("rejects", "--csv", tmp_path / "no" / "r.csv")[0] == 2


def test_one_file_that_cannot_be_read_does_not_stop_the_others(run: Cli, good: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n", "utf-8")
    status, out, err = run("import", tmp_path / "odd.csv", good, "--json")
    assert status == 2
    answer = json.loads(out)
    assert [row["new"] for row in answer["files"]] == [2]
    assert [Path(row["file"]).name for row in answer["errors"]] == ["odd.csv"]
    assert "odd.csv" in err


def test_nothing_is_taken_when_a_file_is_not_there(run: Cli, good: Path, tmp_path: Path) -> None:
    status, out, err = run("import", good, tmp_path / "none.csv")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "none.csv" in err
    assert not run.store.exists()


@pytest.mark.parametrize("verb", [("status",), ("verify",), ("rejects",), ("backup", "b.duckdb"), ("status", "--json")])
def test_without_a_store_a_sentence_says_what_to_do(run: Cli, verb: tuple[str, ...]) -> None:
    status, out, err = run(*verb)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "python -m data demo" in err
    assert not run.store.exists()


def test_a_file_that_is_not_a_store(run: Cli) -> None:
    run.store.write_bytes(b"not a database" * 400)
    status, out, err = run("status")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "Traceback" not in err


def test_status_verify_backup_restore(run: Cli, good: Path, tmp_path: Path) -> None:
    run("import", good)
    assert json.loads(run("status", "--json")[1])["rows"]["work"] == 2
    assert "work: 2" in run("status")[1]
    answer = json.loads(run("verify", "--json")[1])
    assert answer["ok"] is True
    assert all(check["ok"] and check["detail"] for check in answer["checks"])
    assert run("backup", tmp_path / "b.duckdb")[0] == 0
    status, _, err = run("backup", tmp_path / "b.duckdb")
    assert (status, "already exists" in err) == (2, True)
    with Store(run.store) as store, store.transaction() as cur:
        cur.execute("UPDATE work_day SET row_count = 7")
    status, out, _ = run("verify")
    assert status == 1
    assert "WRONG" in out
    assert run("restore", tmp_path / "b.duckdb")[0] == 0
    with Store(run.store) as store:
        assert all(check.ok for check in verify(store))
    status, _, err = run("restore", tmp_path / "none.duckdb")
    assert (status, len(err.splitlines())) == (2, 1)


def test_accounts_take_their_password_from_stdin_and_have_no_default(run: Cli) -> None:
    status, out, err = run("account", "add", "Mei", "--role", "site_manager", "--site", "S9", "--json", stdin="long enough 1\n")
    assert status == 0
    assert json.loads(out)["account"]["site"] == "S9"
    assert "no site “S9” in the store yet" in err
    with Store(run.store) as store:
        assert accounts.sign_in(store, "mei", "long enough 1").sid
    for stdin, said in (("", "No password"), ("short\n", "at least 10"), ("\n", "at least 10")):
        status, out, err = run("account", "add", "bo", "--role", "hr", stdin=stdin)
        assert (status, out, len(err.splitlines())) == (2, "", 1)
        assert said in err
    assert run("account", "disable", "mei")[0] == 0
    assert run("account", "password", "mei", "--password-stdin", stdin="another one 22\n")[0] == 0
    assert run("account", "enable", "mei")[0] == 0
    (row,) = json.loads(run("account", "list", "--json")[1])["accounts"]
    assert (row["name"], row["disabled"], row["locked"]) == ("mei", False, False)
    assert "password" not in json.dumps(row)
    assert run("account", "disable", "nobody")[0] == 2


def test_a_token_is_printed_once_and_alone_on_stdout(run: Cli) -> None:
    status, out, err = run("token", "add", "tool", "--source", "cvat")
    assert (status, out[:3], len(out.split())) == (0, "pw_", 1)
    assert "cvat" in err
    assert out.strip() not in run("token", "list")[1]
    assert run("token", "add", "tool")[0] == 2
    assert run("token", "revoke", "tool")[0] == 0
    assert json.loads(run("token", "list", "--json")[1])["tokens"][0]["revoked_at"]


def test_mappings_are_kept_by_name(run: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(
        json.dumps({"table": "annotations", "columns": {"worker_id": "who"}, "constants": {"project_id": "p7"}}), "utf-8"
    )
    assert run("mapping", "save", "ours", tmp_path / "m.json")[0] == 0
    assert "ours" in run("mapping", "list")[1].split()
    assert json.loads(run("mapping", "show", "ours", "--json")[1])["mapping"]["columns"] == {"worker_id": "who"}
    (tmp_path / "x.csv").write_text("event_id,who,item_id\ne1,w1,i1\n", "utf-8")
    assert json.loads(run("import", tmp_path / "x.csv", "--mapping", "ours", "--json")[1])["files"][0]["new"] == 1
    with Store(run.store) as store:
        assert store.rows("SELECT project_id FROM project") == [("p7",)]
    status, _, err = run("import", tmp_path / "x.csv", "--mapping", "our")
    assert (status, "Did you mean “ours”" in err) == (2, True)


def test_sync_says_that_there_is_no_such_connection(run: Cli, good: Path) -> None:
    run("import", good)
    status, out, err = run("sync", "label-studio")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "no connection “label-studio”" in err


def test_the_demo_never_overwrites_your_own_data(run: Cli, good: Path) -> None:
    run("import", good)
    before = run.store.read_bytes()
    status, out, err = run("demo", "--people", "20", "--days", "14")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "of your own" in err
    assert run.store.read_bytes() == before
    status, _, err = run("demo", "--live")
    assert (status, "No server is running" in err) == (2, True)


def test_importing_into_a_demo_base_is_remarked(run: Cli, good: Path) -> None:
    with Store(run.store) as store:
        store.set_meta("demo", "yes")
    status, out, err = run("import", good, "--json")
    assert status == 0
    assert "demo base" in err
    json.loads(out)
    status, _, err = run("account", "add", "mei", "--role", "admin", stdin="long enough 1\n")
    assert (status, "without sign-in" in err) == (2, True)


def test_unknown_words_are_usage_errors(run: Cli) -> None:
    for words in (("importt",), ("import",), ("import", "x.csv", "--as", "nothing"), ("account", "add")):
        with pytest.raises(SystemExit) as stopped:
            run(*words)
        assert stopped.value.code == 2


def test_every_command_of_the_contract_is_there() -> None:
    text = cli.parser().format_help()
    for verb in ("demo", "import", "sync", "rejects", "verify", "status", "backup", "restore", "account", "token", "mapping"):
        assert f"\n    {verb} " in text


def test_a_load_is_listed_previewed_and_taken_back(run: Cli, good: Path) -> None:
    run("import", good)
    (one,) = json.loads(run("loads", "--json")[1])["loads"]
    assert (one["load_ids"], one["file"], one["new"], one["undone_at"]) == ([1], "good.csv", 2, None)
    ahead = json.loads(run("undo", 1, "--preview", "--json")[1])
    assert (ahead["before"]["work"], ahead["after"]["work"], ahead["removed"]) == (2, 0, 2)
    status, out, err = run("undo", 1)
    assert (status, "Took back 2 facts" in err, "rows of work" in out) == (0, True, True)
    assert run("loads")[1].splitlines()[1].rstrip().endswith("taken back")
    status, _, err = run("undo", "all")
    assert (status, "is not the number of a load" in err) == (2, True)


def test_an_account_becomes_a_persons_and_is_set_apart_again(run: Cli, good: Path, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("worker_id,name,hire_date\n1024,王丽,2026-01-01\n", "utf-8")
    (tmp_path / "tool.csv").write_text("event_id,worker_id,project_id,item_id,units\nx,wang.li,p,i,3\n", "utf-8")
    run("import", tmp_path / "people.csv")
    run("import", tmp_path / "tool.csv", "--source", "tool")
    assert "wang.li" in run("identity", "suggest")[1]
    assert run("identity", "same", "wang.li", "1024")[2] == "1 rows changed hands.\n"
    (match,) = json.loads(run("identity", "list", "--json")[1])["matches"]
    assert (match["account"]["worker_id"], match["person"]["worker_id"]) == ("wang.li", "1024")
    assert run("identity", "apart", "wang.li")[0] == 0
    assert run("identity", "different", "wang.li", "1024")[0] == 0
    assert json.loads(run("identity", "suggest", "--json")[1]) == {"suggestions": []}
