"""A drop folder: whole files are imported once and moved, whatever else lies there and whenever the process stops."""

from __future__ import annotations

import csv
import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data import connections, mapping
from data.connectors.client import ToolError
from data.connectors.connector import Connection
from data.connectors.folder import Folder
from data.connectors.registry import connector
from data.errors import InputError, NameUnknown, PieceworkError
from data.load import local_zone
from data.mapping import Mapping
from data.store import Store
from data.verify import verify

HEADER = "event_id,worker_id,project_id,item_id,ts,units"
GOOD = f"{HEADER}\n1,w,p,a,2026-03-05T10:00:00Z,2\n2,v,p,b,2026-03-05T11:00:00Z,3\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "base" / "s.duckdb") as made:
        yield made


@pytest.fixture
def drop(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a connection; the two looks follow each other at once."""
    folder = tmp_path / "drop"
    folder.mkdir()
    connections.add(store, joined(folder))
    watching(monkeypatch)
    return folder


def joined(folder: Path) -> Connection:
    return Connection("shop", "folder", "shop", str(folder), "")


def watching(monkeypatch: pytest.MonkeyPatch, between: Callable[[], None] = lambda: None) -> None:
    """What happens between the two looks."""
    one = connector("folder")
    assert isinstance(one, Folder)
    monkeypatch.setattr(one, "_sleep", lambda _: between())


def work(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT s.name, event_id, worker_id, units::VARCHAR FROM work JOIN source AS s USING (source_key) JOIN worker USING (worker_key) ORDER BY ALL"
    )


ROWS = [("shop", "1", "w", "2.000"), ("shop", "2", "v", "3.000")]


def state(store: Store) -> connections.State:
    (found,) = connections.states(store)
    return found


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


# What becomes of files ------------------------------------------------------------------------------------------------------
def test_a_file_is_imported_under_its_name_and_moved(store: Store, drop: Path) -> None:
    (drop / "march.csv").write_text(GOOD)
    done = connections.pull(store, "shop")
    assert (done.new, done.seen, done.rejected, done.refused_files) == (2, 2, 0, 0)
    assert work(store) == ROWS
    assert tree(drop) == ["done/march.csv"]
    assert (drop / "done/march.csv").read_text() == GOOD
    assert store.rows("SELECT file, source, table_name, new FROM load") == [("march.csv", "shop", "annotations", 2)]
    now = state(store)
    assert (now.new, now.seen, now.failures, now.error, now.remark) == (2, 2, 0, None, None)
    before = store.version_of(None, None)
    assert connections.pull(store, "shop").seen == 0
    assert store.version_of(None, None) == before  # a look that finds nothing is no news for screens


def test_each_file_is_a_load_of_its_own_the_oldest_first(store: Store, drop: Path) -> None:
    (drop / "b.csv").write_text(GOOD)
    (drop / "a.csv").write_text(GOOD.replace(",2\n", ",7\n", 1))
    os.utime(drop / "b.csv", ns=(1, 1_000_000_000))
    done = connections.pull(store, "shop")
    assert (done.new, done.updated, done.duplicates) == (2, 1, 1)
    assert store.rows("SELECT load_id, file FROM load ORDER BY load_id") == [(1, "b.csv"), (2, "a.csv")]
    assert work(store)[0] == ("shop", "1", "w", "7.000")  # the later file's


def test_refused_rows_do_not_fail_a_file_and_are_listed_beside_it(store: Store, drop: Path) -> None:
    (drop / "march.csv").write_text(GOOD + "3,w,p,c,yesterday,=1+1\n4,w,p\n5,w,p,d,2026-03-05T12:00:00Z,=cmd|'/c calc'!A0\n")
    done = connections.pull(store, "shop")
    assert (done.new, done.rejected, done.refused_files) == (2, 3, 0)
    assert tree(drop) == ["done/march.csv", "done/march.csv.rejected.csv"]
    content = (drop / "done/march.csv.rejected.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert [(row["line"], row["code"], row["column"]) for row in rows] == [
        ("4", "instant", "ts"),
        ("5", "fields_few", ""),
        ("6", "number", "units"),
    ]
    assert rows[2]["value"] == "'=cmd|'/c calc'!A0"
    kept = store.rows("SELECT line, code, file FROM reject ORDER BY line")
    assert kept == [(4, "instant", "march.csv"), (5, "fields_few", "march.csv"), (6, "number", "march.csv")]


@pytest.mark.parametrize(
    ("name", "content", "english", "chinese"),
    [
        ("a.csv", b"x,y\n1,2\n", "fits no table", "不符合任何表"), ("a.xlsx", b"PK\x03\x04 torn", "cannot be opened as Excel", "无法作为 Excel 打开"),
        ("a.csv.gz", gzip.compress(GOOD.encode() * 90)[:-20], "damaged gzip", "损坏的 gzip"), ("a.csv", b"", "is empty", "空文件"),
        ("a.parquet", b"PAR1 torn", "damaged Parquet", "损坏的 Parquet"), ("a.bin", bytes(range(256)) * 9, "", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_goes_to_failed_with_the_reason_in_both_languages(
    store: Store, drop: Path, name: str, content: bytes, english: str, chinese: str
) -> None:
    (drop / name).write_bytes(content)
    (drop / "good.csv").write_text(GOOD)
    done = connections.pull(store, "shop")
    assert (done.new, done.refused_files) == (2, 1)
    assert tree(drop) == ["done/good.csv", f"failed/{name}", f"failed/{name}.why.txt"]
    said, gesagt = (drop / f"failed/{name}.why.txt").read_text(encoding="utf-8").splitlines()
    assert english in said
    assert chinese in gesagt
    assert said != gesagt
    assert state(store).error is None  # the folder works: it is the file that is wrong
    assert store.rows("SELECT count(*) FROM load") == [(1,)]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_goes_to_failed(store: Store, drop: Path) -> None:
    (drop / "a.csv").write_text(GOOD)
    (drop / "a.csv").chmod(0)
    connections.pull(store, "shop")
    assert "cannot be read" in (drop / "failed/a.csv.why.txt").read_text(encoding="utf-8")


def test_what_breaks_the_program_goes_to_failed_and_the_log(
    store: Store, drop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (drop / "a.csv").write_text(GOOD)

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(connections.load, "batches_of", break_down)
    assert connections.pull(store, "shop").refused_files == 1
    assert "the log of the process" in (drop / "failed/a.csv.why.txt").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in caplog.text


def test_names_are_never_overwritten(store: Store, drop: Path) -> None:
    for number in range(3):
        (drop / "a.csv").write_text(f"{HEADER}\n{number},w,p,a,2026-03-05T10:00:00Z,2\n")
        (drop / "b.csv").write_text(f"x,y\n{number},2\n")
        connections.pull(store, "shop")
    kept = sorted((drop / "done").iterdir())
    assert len(kept) == 3
    assert sorted(path.read_text()[len(HEADER) + 1] for path in kept) == ["0", "1", "2"]
    assert all(path.suffix == ".csv" and path.name.startswith("a") for path in kept)
    failed = sorted(path.name for path in (drop / "failed").iterdir())
    assert len(failed) == 6
    assert {name.removesuffix(".why.txt") for name in failed if name.endswith(".why.txt")} == {
        name for name in failed if name.endswith(".csv")
    }


def test_a_long_name_is_shortened_so_that_its_note_fits(store: Store, drop: Path) -> None:
    (drop / f"{'长' * 80}.csv").write_text("x,y\n1,2\n")
    assert connections.pull(store, "shop").refused_files == 1
    assert sorted(Path(name).suffix for name in tree(drop)) == [".csv", ".txt"]


# What is not touched --------------------------------------------------------------------------------------------------------
def test_a_file_that_grows_is_left_until_it_stops(store: Store, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop / "a.csv"
    path.write_text(GOOD[:60])

    def grow() -> None:
        with path.open("a") as file:
            file.write(GOOD[60:70])

    watching(monkeypatch, grow)
    assert connections.pull(store, "shop").seen == 0
    assert tree(drop) == ["a.csv"]
    watching(monkeypatch, lambda: path.write_text(GOOD) and None)
    assert connections.pull(store, "shop").seen == 0
    later = time.time() + 3
    watching(monkeypatch, lambda: pytest.fail("the looks of two pulls are enough"))
    monkeypatch.setattr(connector("folder"), "_now", lambda: later)
    assert connections.pull(store, "shop").new == 2
    assert work(store) == ROWS


def test_a_file_written_to_while_it_is_read_stays_and_is_read_again(store: Store, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reading = drop / "a.csv", connections.load.batches_of
    path.write_text(GOOD)

    def read_and_grow(*args: object, **kwargs: object) -> object:
        batches = list(reading(*args, **kwargs))  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write("3,w,p,c,2026-03-05T12:00:00Z,1\n")
        return iter(batches)

    monkeypatch.setattr(connections.load, "batches_of", read_and_grow)
    assert connections.pull(store, "shop").new == 2
    assert tree(drop) == ["a.csv"]
    monkeypatch.setattr(connections.load, "batches_of", reading)
    done = connections.pull(store, "shop")
    assert (done.new, done.duplicates) == (1, 2)
    assert tree(drop) == ["done/a.csv"]


def test_unfinished_files_links_and_folders_are_left_alone(store: Store, drop: Path, tmp_path: Path) -> None:
    for name in ("a.csv.part", "b.tmp", ".hidden.csv", "~$book.xlsx", "c.CRDOWNLOAD"):
        (drop / name).write_text(GOOD)
    (tmp_path / "secret.csv").write_text(GOOD)
    (drop / "link.csv").symlink_to(tmp_path / "secret.csv")
    (drop / "loose.csv").symlink_to(tmp_path / "nothing")
    (drop / "more").mkdir()
    (drop / "more/inside.csv").write_text(GOOD)
    if hasattr(os, "mkfifo"):
        os.mkfifo(drop / "pipe.csv")
    done = connections.pull(store, "shop")
    assert (done.seen, done.refused_files) == (0, 0)
    now = state(store)
    assert now.failures == 0
    assert now.error is None
    assert now.remark is not None
    assert now.remark_zh is not None
    assert all(name in now.remark and name in now.remark_zh for name in ("link.csv", "loose.csv", "more"))
    assert ".hidden" not in now.remark
    assert (drop / "link.csv").is_symlink()
    for name in ("link.csv", "loose.csv", "pipe.csv"):
        (drop / name).unlink(missing_ok=True)
    (drop / "more/inside.csv").unlink()
    (drop / "more").rmdir()
    connections.pull(store, "shop")
    assert state(store).remark is None


# Trouble --------------------------------------------------------------------------------------------------------------------
def test_a_full_disk_at_the_move_is_said_and_made_up_for(store: Store, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (drop / "a.csv").write_text(GOOD)
    (drop / "b.csv").write_text("x,y\n1,2\n")
    replacing = os.replace

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("data.connectors.folder.os.replace", full)
    with pytest.raises(ToolError, match=r"a\.csv .*No space left.*\(and 1 more\)"):
        connections.pull(store, "shop")
    assert work(store) == ROWS
    assert tree(drop) == ["a.csv", "b.csv"]  # no empty file, no note of a file that is still here
    now = state(store)
    assert now.failures == 1
    assert now.error is not None
    assert "No space left" in now.error
    monkeypatch.setattr("data.connectors.folder.os.replace", replacing)
    assert connections.pull(store, "shop").duplicates == 2
    assert tree(drop) == ["done/a.csv", "failed/b.csv", "failed/b.csv.why.txt"]
    assert state(store).error is None
    assert work(store) == ROWS


def test_done_may_be_in_the_way(store: Store, drop: Path) -> None:
    (drop / "done").write_text("not a folder")
    (drop / "a.csv").write_text(GOOD)
    with pytest.raises(ToolError, match="cannot be moved"):
        connections.pull(store, "shop")
    assert work(store) == ROWS


def test_a_folder_that_vanishes_is_said_and_comes_back(store: Store, drop: Path) -> None:
    drop.rename(drop.with_name("away"))
    with pytest.raises(ToolError, match=r"drop cannot be read \(No such file"):
        connections.pull(store, "shop")
    assert state(store).failures == 1
    drop.with_name("away").rename(drop)
    (drop / "a.csv").write_text(GOOD)
    assert connections.pull(store, "shop").new == 2
    assert state(store).failures == 0


def test_a_file_that_vanishes_between_two_others(store: Store, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        (drop / name).write_text(GOOD)
    reading = connections.load.batches_of

    def read(*args: object, **kwargs: object) -> object:
        (drop / "b.csv").unlink(missing_ok=True)
        return reading(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(connections.load, "batches_of", read)
    assert connections.pull(store, "shop").new == 2
    assert tree(drop) == ["done/a.csv"]


KILLED = textwrap.dedent("""
    import os, signal, sys
    from data import connections
    from data.connectors import folder
    from data.store import Store
    folder._put_away = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    with Store(sys.argv[1]) as store:
        connections.pull(store, "shop")
""")


def test_a_kill_between_commit_and_move_loses_and_doubles_nothing(store: Store, drop: Path) -> None:
    (drop / "a.csv").write_text(GOOD + "3,w,p,c,yesterday,1\n")
    store.close()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(store.path)], capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert tree(drop) == ["a.csv"]
    with Store(store.path) as again:
        assert work(again) == ROWS
        done = connections.pull(again, "shop")
        assert (done.new, done.updated, done.duplicates, done.rejected) == (0, 0, 2, 1)
        assert work(again) == ROWS
        assert again.rows("SELECT count(*) FROM reject") == [(1,)]
        assert all(check.ok for check in verify(again))
    assert tree(drop) == ["done/a.csv", "done/a.csv.rejected.csv"]


# Mappings, exports, settings --------------------------------------------------------------------------------------------------
def test_files_are_read_through_the_saved_mapping(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watching(monkeypatch)
    mapping.save(store, Mapping("ours", "annotations", {"event_id": "nr", "worker_id": "wer", "project_id": "was", "item_id": "welches"}))
    (tmp_path / "drop").mkdir()
    connections.add(store, replace(joined(tmp_path / "drop"), mapping="ours"))
    (tmp_path / "drop/a.csv").write_text("nr,wer,was,welches\n1,w,p,a\n")
    (tmp_path / "drop/b.csv").write_text(GOOD)
    done = connections.pull(store, "shop")
    assert (done.new, done.refused_files) == (1, 1)
    with store.transaction() as cur:
        cur.execute("DELETE FROM mapping")
    (tmp_path / "drop/c.csv").write_text("nr,wer,was,welches\n2,w,p,a\n")
    with pytest.raises(NameUnknown, match="ours"):
        connections.pull(store, "shop")
    assert (tmp_path / "drop/c.csv").exists()  # a mapping that is gone is no fault of the file


def label_studio_task() -> dict[str, object]:
    made = {"id": 7, "completed_by": 5, "result": [], "was_cancelled": False, "ground_truth": False, "lead_time": 4.0, "task": 1,
            "created_at": "2026-03-05T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z"}  # fmt: skip
    return {
        "id": 1,
        "data": {},
        "project": 3,
        "created_at": "2026-03-05T09:00:00Z",
        "updated_at": "2026-03-05T10:00:00Z",
        "annotations": [made],
    }


def test_a_tool_s_export_keeps_the_keys_of_its_connection(store: Store, drop: Path) -> None:
    (drop / "tasks.json").write_text(json.dumps([label_studio_task()]))
    connections.pull(store, "shop")
    assert [row[:2] for row in work(store)] == [("shop", "7")]
    connections.add(store, Connection("studio", "label-studio", "ls", "http://127.0.0.1:1", "env:LS"))
    (drop / "tasks.json").write_text(json.dumps([label_studio_task()]))
    connections.pull(store, "shop")
    assert [row[:2] for row in work(store)] == [("ls", "7"), ("shop", "7")]
    assert store.rows("SELECT source, file FROM load ORDER BY load_id") == [("shop", "tasks.json"), ("ls", "tasks.json")]


def test_a_folder_comes_back_as_it_was_given(store: Store, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    given = replace(joined(tmp_path / "drop"), mapping="crowdflower", every_s=60)
    connections.add(store, given)
    assert connections.get(store, "shop") == given
    assert connections.discover(given).projects == ()
    now = state(store)
    assert (now.title, now.clock.name) == ("Folder 文件夹", "reported")
    with pytest.raises(ToolError, match="cannot be read"):
        connections.discover(replace(given, address=str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": "drop"}, "absolute"), ({"address": "BASE"}, "must not hold one another"), ({"address": "BASE/drop"}, "must not hold"),
        ({"address": "BASE/../base/drop"}, "must not hold"), ({"address": "BASE/.."}, "must not hold"), ({"credential": "env:X"}, "only"),
        ({"projects": {"1": "p"}}, "only"), ({"people": {"1": "p"}}, "only"), ({"only": ("1",)}, "only"), ({"keep_deleted": True}, "only"),
        ({"hook_secret": "env:X"}, "only"), ({"mapping": "none"}, "no mapping “none”"), ({"address": "DROP"}, "already"),
        ({"address": "https://x.example.com"}, "absolute"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_folder_is_refused(store: Store, drop: Path, change: dict[str, object], said: str) -> None:
    place = str(change.get("address", "/srv/other")).replace("BASE", str(store.path.parent)).replace("DROP", str(drop))
    given = replace(Connection("new", "folder", "new", "/srv/other", ""), **(change | {"address": place}))  # type: ignore[arg-type]
    with pytest.raises(PieceworkError, match=said) as caught:
        connections.add(store, given)
    assert caught.value.zh not in ("", str(caught.value))
    assert len(connections.connections(store)) == 1


def test_a_link_to_the_store_s_folder_is_the_store_s_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.path.parent)
    with pytest.raises(InputError, match="must not hold"):
        connections.add(store, joined(tmp_path / "link"))


def test_other_tools_need_their_credential_and_take_no_mapping(store: Store) -> None:
    studio = Connection("ls", "label-studio", "ls", "http://127.0.0.1:1", "env:LS")
    with pytest.raises(InputError, match="credential"):
        connections.add(store, replace(studio, credential=""))
    with pytest.raises(InputError, match="no mapping"):
        connections.add(store, replace(studio, mapping="crowdflower"))


def test_a_file_by_hand_and_in_the_folder_are_the_same(store: Store, drop: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    connections.imported(store, tmp_path / "a.csv", source="shop", zone=local_zone(store))
    (drop / "a.csv").write_text(GOOD)
    done = connections.pull(store, "shop")
    assert (done.new, done.duplicates) == (0, 2)
