"""Imports that run on the writer while people look elsewhere."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import imports, uploads
from data.errors import InputError
from data.imports import Choice, Job
from data.owner import Owner, owning
from data.store import Store

HEAD = "event_id,worker_id,project_id,item_id,units\n"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Owner]:
    with Store(tmp_path / "s.duckdb") as store, owning(store) as made:
        yield made


def begin(own: Owner, text: str, name: str = "work.csv", by: str = "mei", choice: Choice | None = None) -> Job:
    upload = uploads.keep(own.store.path, name, io.BytesIO(text.encode()))
    return imports.start(own, upload, choice or Choice(), by=by, expected=3)


def settled(own: Owner) -> None:
    """Wait for everything that the writer has taken."""
    own.writer.submit(lambda store: None).result(30)


def test_a_job_goes_through_and_is_found_again_by_its_account(own: Owner) -> None:
    free = threading.Event()
    own.writer.submit(lambda store: free.wait(30))
    job = begin(own, HEAD + "e1,w,p,i,1\ne2,w,p,i2,x\ne3,w,p,i3,3\n")
    assert (job.state, job.running, job.share, job.seconds) == ("waiting", True, 0.0, 0.0)
    assert imports.jobs(own, "mei") == (job,)
    assert imports.jobs(own, "anna") == ()
    free.set()
    settled(own)
    assert (job.state, job.running, job.share) == ("done", False, 1.0)
    assert [(one.table, one.rows, one.new, one.rejected) for one in job.outcomes] == [("annotations", 3, 2, 1)]
    assert own.store.rows("SELECT load_id, file, rejected FROM load") == [(job.load_id, "work.csv", 1)]
    assert [(table, one.line, one.column, one.value) for table, one in job.rejects()] == [("annotations", 3, "units", "x")]


def test_the_same_file_again_still_has_its_refused_rows(own: Owner) -> None:
    first, second = (begin(own, HEAD + "e1,w,p,i,1\ne2,w,p,i2,x\n") for _ in range(2))
    settled(own)
    assert (second.count("new"), second.count("duplicates"), second.count("rejected")) == (0, 1, 1)
    assert second.rejects() == first.rejects() != []


def test_a_file_that_cannot_be_taken_fails_its_job_and_nothing_else(own: Owner) -> None:
    bad, good = begin(own, "a,b\n1,2\n"), begin(own, HEAD + "e1,w,p,i,1\n")
    settled(own)
    assert bad.state == "failed"
    assert isinstance(bad.error, InputError)
    assert good.state == "done"
    assert bad.load_id is None


def test_what_nobody_foresaw_is_said_with_a_reference(
    own: Owner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("secret path /home/x")

    monkeypatch.setattr(imports.load, "load", broken)
    job = begin(own, HEAD + "e1,w,p,i,1\n")
    settled(own)
    assert job.state == "failed"
    assert "secret" not in str(job.error)
    assert str(job.error).split()[-1].rstrip(".") in caplog.text


def test_the_upload_is_gone_when_the_job_has_ended(own: Owner) -> None:
    job = begin(own, HEAD + "e1,w,p,i,1\n")
    assert job.upload is not None
    settled(own)
    assert not job.upload.path.exists()
    imports.forget(own, job)
    assert imports.jobs(own, "mei") == ()


def test_progress_counts_rows_then_creeps_and_never_goes_back(own: Owner) -> None:
    seen: list[float] = []
    job = Job("mei", "a.csv", 1, expected=100)
    job.state, job.began = "reading", 0.0
    for rows in (0, 30, 70, 100, 130):
        job.read = rows
        seen.append(job.share)
    job.state, job.read_at = "settling", job.began
    seen.append(job.share)
    assert seen == sorted(seen)
    assert seen[1] == pytest.approx(0.3 * imports.READING)
    assert max(seen) < 1


def test_old_jobs_are_forgotten(own: Owner) -> None:
    for n in range(imports.KEPT + 3):
        begin(own, HEAD + f"e{n},w,p,i{n},1\n")
    settled(own)
    mine = imports.jobs(own, "mei")
    assert len(mine) == imports.KEPT
    assert mine[0].load_id == imports.KEPT + 3


def test_whose_load_it_is(own: Owner) -> None:
    job = begin(own, HEAD + "e1,w,p,i,1\n")
    settled(own)
    assert job.load_id is not None
    assert imports.owns(own, "mei", (job.load_id,))
    assert not imports.owns(own, "anna", (job.load_id,))
    assert not imports.owns(own, "mei", (job.load_id, 99))
    assert not imports.owns(own, "mei", ())
