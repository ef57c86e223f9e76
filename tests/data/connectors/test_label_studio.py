"""Label Studio over its API: whatever happens there, and however often the pull is cut off, the store ends with the server's truth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from data import connections
from data.connectors.client import ToolError
from data.connectors.connector import Connection
from data.connectors.label_studio import LabelStudio
from data.errors import InputError
from data.store import Store
from data.verify import verify
from tests.data.connectors.fake_label_studio import REFRESH, TOKEN, FakeLabelStudio, Fault, serving
from tests.data.connectors.truth import expected, ghosts, stored
from tests.serving import ROOT

pytestmark = pytest.mark.slow


class Base:
    """A store, a server and the connection between them."""

    def __init__(self, folder: Path, page: int = 3, **given: Any) -> None:
        self.fake, self.page = FakeLabelStudio(), page
        self._stack = ExitStack()
        self.patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        self.waits: list[float] = []
        self.patch.setenv("LS_TOKEN", TOKEN)
        self.patch.setattr(connections, "connector", lambda tool: LabelStudio(self.page, self.waits.append))
        self.address = self._stack.enter_context(serving(self.fake))
        self.store = self._stack.enter_context(Store(folder / "s.duckdb"))
        self.connection = Connection("ls", "label-studio", "ls", self.address, "env:LS_TOKEN", **given)
        connections.add(self.store, self.connection)
        self.li = self.fake.user("li@base.cn", "Li", "Na")
        self.wang = self.fake.user("wang@base.cn")
        self.boxes = self.fake.project("boxes 车辆")

    def close(self) -> None:
        self._stack.close()

    def pull(self, **how: Any) -> connections.Pulled:
        return connections.pull(self.store, "ls", **how)

    def check(self) -> None:
        """The store says what the server says."""
        truth = expected(self.fake.annotations())
        assert stored(self.store, "ls") == truth
        assert ghosts(self.store, "ls").isdisjoint(truth)
        assert [one.name for one in verify(self.store) if not one.ok] == []

    def rows(self, columns: str) -> list[tuple]:
        return self.store.rows(f"SELECT {columns} FROM work JOIN worker USING (worker_key) JOIN project USING (project_key) ORDER BY ALL")


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Base]:
    made = Base(tmp_path)
    yield made
    made.close()


# One thing at a time -----------------------------------------------------------------------------------------------------
def test_a_submission_appears_once_with_its_author_boxes_and_time(base: Base) -> None:
    task = base.fake.task(base.boxes, batch="B1")
    base.fake.tick()
    number = base.fake.submit(task, base.li, boxes=4, lead=12.345)
    assert base.pull().new == 4  # with two people and a project
    assert base.store.rows(
        """SELECT event_id, worker_id, worker.name, project_id, project.name, batch_id, item_id, ts::VARCHAR, action, round, work.units, prelabelled_units,
            seconds, clock FROM work JOIN worker USING (worker_key) JOIN project USING (project_key) JOIN batch USING (batch_key)"""
    ) == [
        (str(number), f"ls:{base.li}", "Li Na", f"ls:{base.boxes}", "boxes 车辆", "B1", str(task), "2026-03-02 01:00:01", 0, 1, 4, 0, Decimal("12.345"), 2)
    ]  # fmt: skip
    version = base.store.rows("SELECT count(*) FROM load")
    again = base.pull()
    assert (again.new, again.updated, again.duplicates, again.rejected) == (0, 0, 0, 0)
    assert base.store.rows("SELECT count(*) FROM load") == version  # nothing to say, nothing written down
    base.check()


def test_an_edit_is_credited_to_whoever_made_it_with_the_time_it_added(base: Base) -> None:
    task = base.fake.task(base.boxes)
    number = base.fake.submit(task, base.li, boxes=2, lead=10)
    base.pull()
    base.fake.tick(60)
    base.fake.update(number, base.wang, boxes=5, lead=7.25)
    base.pull()
    base.fake.tick(60)
    base.fake.update(number, base.li, lead=1)
    base.pull()
    base.check()
    assert base.rows("worker_id, action, round, units, seconds") == [
        (f"ls:{base.li}", 0, 1, 5, 10), (f"ls:{base.li}", 1, 3, 0, 1), (f"ls:{base.wang}", 1, 2, 0, 7.25),
    ]  # fmt: skip


def test_time_that_cannot_be_told_apart_stands_with_the_author(base: Base) -> None:
    """Two people worked on it before it was read for the first time."""
    number = base.fake.submit(base.fake.task(base.boxes), base.li, lead=10)
    base.fake.tick()
    base.fake.update(number, base.wang, lead=5)
    base.pull()
    base.check()
    assert base.rows("worker_id, action, seconds") == [(f"ls:{base.li}", 0, 15), (f"ls:{base.wang}", 1, None)]


@pytest.mark.parametrize("grown", [-4.0, 2_000_000.0])
def test_a_lead_time_that_no_work_can_explain_is_kept_beside_the_seconds(base: Base, grown: float) -> None:
    number = base.fake.submit(base.fake.task(base.boxes), base.li, lead=10)
    base.pull()
    for more, by in ((grown, base.wang), (3.0, base.li)):
        base.fake.tick()
        base.fake.update(number, by, lead=more)
        base.pull()
    assert base.rows("action, seconds, work.extra") == [(0, 10, None), (1, 3, None), (1, None, f'{{"lead_time_s": {grown}}}')]


def test_a_change_that_changes_nothing_here_leaves_no_trace(base: Base) -> None:
    number = base.fake.submit(base.fake.task(base.boxes), base.li)
    base.pull()
    loads = base.store.rows("FROM load")
    base.fake.tick()
    base.fake.update(number, base.li)
    for _ in range(2):
        base.pull()
    assert base.store.rows("FROM load") == loads


def test_a_skip_has_time_and_no_output_and_can_be_taken_back(base: Base) -> None:
    number = base.fake.submit(base.fake.task(base.boxes), base.li, boxes=3, lead=8, skip=True)
    base.pull()
    assert base.rows("action, units, seconds, work.extra") == [(3, 0, 8, '{"skipped": true}')]
    base.fake.tick()
    base.fake.update(number, base.li, lead=2, skip=False)
    base.pull()
    assert base.rows("action, units, seconds, work.extra") == [(0, 3, 8, None), (1, 0, 2, None)]
    base.check()


def test_a_deleted_annotation_keeps_its_time_and_loses_its_output(base: Base) -> None:
    task = base.fake.task(base.boxes)
    number = base.fake.submit(task, base.li, boxes=3, lead=8)
    base.fake.submit(task, base.wang, boxes=1, lead=2)
    base.pull()
    base.fake.tick()
    base.fake.delete(number)
    assert base.pull().updated == 1
    base.check()
    assert base.rows("action, units, seconds, work.extra") == [(0, 1, 2, None), (3, 0, 8, '{"deleted": true}')]


def test_deleted_tasks_are_found_when_their_number_falls_and_by_a_sweep(base: Base) -> None:
    tasks = [base.fake.task(base.boxes) for _ in range(5)]
    numbers = [base.fake.submit(task, base.li, boxes=2) for task in tasks]
    base.pull()
    base.fake.delete_task(tasks[0])
    base.pull()
    assert ghosts(base.store, "ls") == {str(numbers[0])}
    base.fake.delete_task(tasks[1])
    base.fake.task(base.boxes)  # as many tasks as before: the number tells nothing
    base.pull()
    assert ghosts(base.store, "ls") == {str(numbers[0])}
    base.pull(sweep=True)
    assert ghosts(base.store, "ls") == {str(numbers[0]), str(numbers[1])}
    base.check()


def test_a_sweep_finds_what_the_list_of_changes_missed(base: Base) -> None:
    task = base.fake.task(base.boxes)
    base.fake.tick(3_600)
    base.fake.submit(base.fake.task(base.boxes), base.li)
    base.pull()
    long_ago = base.fake.tasks[task]["updated_at"]
    base.fake.submit(task, base.wang, boxes=2)
    base.fake.tasks[task]["updated_at"] = long_ago  # a change that did not move the task
    base.pull()
    with pytest.raises(AssertionError):
        base.check()
    base.pull(sweep=True)
    base.check()


def test_what_is_deleted_can_be_kept(tmp_path: Path) -> None:
    base = Base(tmp_path, keep_deleted=True)
    tasks = [base.fake.task(base.boxes), base.fake.task(base.boxes)]
    numbers = [base.fake.submit(task, base.li, boxes=2) for task in tasks]
    base.pull()
    base.fake.delete(numbers[0])
    base.fake.delete_task(tasks[1])
    base.pull(sweep=True)
    assert base.rows("action, units") == [(0, 2), (0, 2)]
    base.close()


def test_a_project_out_of_sight_is_not_taken_for_deleted(tmp_path: Path) -> None:
    base = Base(tmp_path, projects={"3": "P", "4": "P"})
    other = base.fake.project("more boxes")
    assert {str(base.boxes), str(other)} == {"3", "4"}
    for project in (base.boxes, other):
        base.fake.submit(base.fake.task(project), base.li, boxes=2)
    base.pull(sweep=True)
    assert base.store.rows("SELECT project_id, name FROM project") == [("P", None)]  # the base's own project keeps its own name
    base.check()
    del base.fake.projects[other]
    base.pull(sweep=True)
    assert ghosts(base.store, "ls") == set()
    base.close()


def test_people_and_projects_of_the_base_by_id_name_or_mail(tmp_path: Path) -> None:
    base = Base(tmp_path, people={"li@base.cn": "W1", "2": "W2"}, projects={"3": "BX"}, only=("3",))
    elsewhere = base.fake.project("not ours")
    task = base.fake.task(base.boxes)
    base.fake.submit(task, base.li)
    base.fake.submit(task, base.wang)
    base.fake.submit(base.fake.task(elsewhere), base.li)
    base.pull()
    assert base.rows("worker_id, worker.name, project_id") == [("W1", None, "BX"), ("W2", None, "BX")]
    base.close()


def test_reading_again_moves_what_is_known_to_its_new_names(base: Base) -> None:
    number = base.fake.submit(base.fake.task(base.boxes), base.li, boxes=2)
    base.pull()
    base.fake.tick()
    base.fake.update(number, base.wang, lead=3)
    base.pull()
    connections.remove(base.store, "ls")
    connections.add(base.store, replace(base.connection, people={str(base.li): "W1"}, projects={str(base.boxes): "BX"}))
    base.pull(again=True)
    assert base.rows("worker_id, project_id, action, units, seconds") == [("W1", "BX", 0, 2, 5), (f"ls:{base.wang}", "BX", 1, 0, 3)]


def test_predictions_turned_into_annotations_count_as_prelabelled(base: Base) -> None:
    tasks = [base.fake.task(base.boxes, predicted=2), base.fake.task(base.boxes, predicted=3), base.fake.task(base.boxes, predicted=1)]
    base.fake.convert(tasks[:2], base.wang)
    drawn = base.fake.submit(tasks[2], base.li, boxes=0)
    base.fake.annotation(drawn)[1]["result"] = [
        {**one, "origin": origin}
        for one, origin in zip(
            base.fake.tasks[tasks[1]]["predictions"][0]["result"], ("prediction", "prediction-changed", "manual"), strict=True
        )
    ]
    base.pull()
    assert base.rows("units, prelabelled_units, seconds") == [(2, 2, None), (3, 2, 5), (3, 3, None)]
    base.check()


def test_an_edit_that_took_no_time_makes_the_time_known(base: Base) -> None:
    """Turned from a prediction it has no lead time; opened and kept within the same moment it has one of zero."""
    (made,) = base.fake.convert([base.fake.task(base.boxes, predicted=2)], base.wang)
    base.pull()
    base.check()
    base.fake.tick(0.001)
    base.fake.update(made, base.wang, lead=0.0)
    base.pull()
    base.check()
    assert base.rows("units, seconds") == [(0, 0), (2, None)]
    base.pull()
    assert base.store.rows("SELECT count(*) FROM work") == [(2,)]


def test_reviews_of_the_enterprise_edition(base: Base) -> None:
    task = base.fake.task(base.boxes)
    reviews = [
        {"id": 901, "created_by": {"id": base.wang}, "accepted": False, "created_at": "2026-03-02T02:00:00.000000Z"},
        {"id": 902, "created_by": base.wang, "accepted": True, "created_at": "2026-03-02T03:00:00.000000Z", "fixed_annotation_history": 77},
    ]
    number = base.fake.submit(task, base.li, boxes=2, reviews=reviews, was_cancelled=True)  # rejected, and taken out of the queue
    base.pull()
    assert base.rows("action, units") == [(0, 2)]
    judged = "SELECT review_id, event_id, r.worker_id, v.worker_id, verdict, linked, is_last FROM review JOIN worker AS r USING (worker_key) JOIN worker AS v ON v.worker_key = reviewer_key ORDER BY 1"
    rows = [
        ("901", str(number), f"ls:{base.li}", f"ls:{base.wang}", 2, True, False),
        ("902", str(number), f"ls:{base.li}", f"ls:{base.wang}", 1, True, True),
    ]
    assert base.store.rows(judged) == rows
    base.pull(again=True)
    assert base.store.rows(judged) == rows


def test_a_record_that_cannot_be_read_is_refused_and_stops_nothing(base: Base) -> None:
    task = base.fake.task(base.boxes)
    bad = base.fake.submit(task, base.li)
    base.fake.annotation(bad)[1]["created_at"] = "yesterday"
    base.fake.submit(task, base.li)
    done = base.pull()
    assert done.rejected == 1
    base.pull()
    assert base.store.rows("SELECT code, column_name, value FROM reject") == [("instant", "ts", "yesterday")]
    assert len(base.rows("event_id")) == 1


# Paging ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tied", [1, 3, 4, 11])
@pytest.mark.parametrize("most", [2, 1_000])
def test_tasks_of_one_instant_are_all_read_whatever_a_page_holds(base: Base, tied: int, most: int) -> None:
    base.fake.most_a_page = most
    base.pull()  # the first one sweeps, too
    for size in (2, tied, 2):
        base.fake.tick()
        for _ in range(size):
            base.fake.submit(base.fake.task(base.boxes), base.li)
    done = base.pull()
    assert (done.new, done.swept) == (2 + tied + 2, False)
    base.check()


def test_what_moves_while_it_is_read_is_not_missed(base: Base) -> None:
    numbers = []
    for _ in range(12):
        base.fake.tick()
        numbers.append(base.fake.submit(base.fake.task(base.boxes), base.li))
    moves = iter(numbers)

    def move() -> None:
        base.fake.tick()
        if (number := next(moves, None)) is not None:
            base.fake.update(number, base.wang, lead=1)

    base.fake.on_request = move
    base.pull()
    base.fake.on_request = None
    base.pull()
    base.check()


def test_what_was_written_down_earlier_and_shows_later_is_not_missed(base: Base) -> None:
    """A transaction of the server may commit after later ones have."""
    late = base.fake.task(base.boxes)
    base.fake.tick(20)
    base.fake.submit(base.fake.task(base.boxes), base.li)
    held = base.fake.tasks.pop(late)
    base.pull()
    base.fake.tasks[late] = held
    base.fake.submit(late, base.wang, boxes=2)
    base.fake.tasks[late]["updated_at"] = base.fake.tasks[late]["created_at"]
    base.pull()
    base.check()


# Trouble --------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["429", "500", "502", "drop", "cut"])
def test_trouble_that_passes_is_waited_for(base: Base, fault: Fault) -> None:
    base.fake.submit(base.fake.task(base.boxes), base.li)
    base.fake.faults = [fault, fault, fault]
    base.pull()
    base.check()
    assert len(base.waits) == 3


def test_trouble_that_stays_is_said_and_what_was_read_stays(base: Base) -> None:
    for _ in range(8):
        base.fake.tick()
        base.fake.submit(base.fake.task(base.boxes), base.li)
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            base.fake.faults = ["500"] * 4

    base.fake.on_request = ask
    with pytest.raises(ToolError, match="answers 500"):
        base.pull()
    state = connections.states(base.store)[0]
    assert state.failures == 1
    assert state.error is not None
    assert "500" in state.error
    assert state.error_zh not in (None, state.error)
    assert state.caught_up_at is None
    assert 0 < len(base.rows("event_id")) < 8
    base.fake.on_request = None
    base.pull()
    base.check()
    state = connections.states(base.store)[0]
    assert (state.failures, state.error, state.error_zh) == (0, None, None)


@pytest.mark.parametrize(("fault", "said"), [("html", "not JSON"), ("html", "address")])
def test_another_page_at_the_address_is_said(base: Base, fault: Fault, said: str) -> None:
    base.fake.faults = [fault]
    with pytest.raises(ToolError, match=said):
        base.pull()
    assert base.waits == []


def test_a_wrong_token_is_said_at_once_and_not_shown(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LS_TOKEN", "wrong-secret-token")
    with pytest.raises(ToolError, match="refuses the credential") as caught:
        base.pull()
    assert base.waits == []
    state = connections.states(base.store)[0]
    assert "wrong-secret" not in f"{caught.value}{caught.value.zh}{state}"


def test_a_missing_credential_is_said(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LS_TOKEN")
    with pytest.raises(InputError, match="LS_TOKEN is not set"):
        base.pull()


def test_a_personal_access_token_buys_access_again_when_it_expires(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LS_TOKEN", REFRESH)
    for _ in range(7):
        base.fake.tick()
        base.fake.submit(base.fake.task(base.boxes), base.li)
    asked = 0

    def expire() -> None:
        nonlocal asked
        asked += 1
        if asked in (3, 5):
            base.fake.expire()

    base.fake.on_request = expire
    base.pull()
    base.check()
    assert base.fake.requests.count("POST /api/token/refresh/") == 3
    assert base.waits == []


def test_discovery_shows_projects_and_people(base: Base) -> None:
    found = LabelStudio().discover(base.connection)
    assert found.version == "1.23.2"
    assert [(one.id, one.name) for one in found.projects] == [(str(base.boxes), "boxes 车辆")]
    assert [one.name for one in found.users] == ["Li Na", "wang@base.cn"]


# Anything, in any order ---------------------------------------------------------------------------------------------------
class Cut(BaseException):
    """The process stops here."""


class Floor(RuleBasedStateMachine):
    """Three people work while pulls are cut off before, inside and after their commits; in the end the store has the server's truth."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.base = Base(Path(self._folder.name))
        self.fake = self.base.fake
        self.people = [self.base.li, self.base.wang, self.fake.user("zhao@base.cn")]

    def teardown(self) -> None:
        try:
            self.fake.faults = []
            self.base.pull(sweep=True)
            self.base.check()
            again = self.base.pull(sweep=True, again=True)
            assert (again.updated, again.rejected) == (0, 0)
            self.base.check()
        finally:
            self.base.close()
            self._folder.cleanup()

    def person(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(self.people))

    def one(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(one["id"] for one in self.fake.annotations())))

    @initialize(most=st.sampled_from([2, 4, 1_000]), page=st.integers(2, 4))
    def begin(self, most: int, page: int) -> None:
        self.fake.most_a_page, self.base.page = most, page

    @rule(seconds=st.sampled_from([0.0, 0.000001, 1.0, 45.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.fake.tick(seconds)

    @rule(count=st.integers(1, 5))
    def bring_tasks(self, count: int) -> None:
        for _ in range(count):
            self.fake.task(self.base.boxes, predicted=2)

    @precondition(lambda self: self.fake.tasks)
    @rule(data=st.data(), boxes=st.integers(0, 3), lead=st.sampled_from([None, 0.0, 1.5, 20.001]), skip=st.booleans())
    def submit(self, data: st.DataObject, boxes: int, lead: float | None, skip: bool) -> None:
        self.fake.submit(data.draw(st.sampled_from(sorted(self.fake.tasks))), self.person(data), boxes=boxes, lead=lead, skip=skip)

    @precondition(lambda self: self.fake.annotations())
    @rule(
        data=st.data(),
        boxes=st.one_of(st.none(), st.integers(0, 4)),
        lead=st.sampled_from([0.0, 3.0, 0.25]),
        skip=st.sampled_from([None, True, False]),
    )
    def update(self, data: st.DataObject, boxes: int | None, lead: float, skip: bool | None) -> None:
        self.fake.tick(0.001)
        self.fake.update(self.one(data), self.person(data), boxes=boxes, lead=lead, skip=skip)

    @precondition(lambda self: self.fake.annotations())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.fake.tick(0.001)
        self.fake.delete(self.one(data))

    @precondition(lambda self: self.fake.tasks)
    @rule(data=st.data())
    def delete_task(self, data: st.DataObject) -> None:
        self.fake.delete_task(data.draw(st.sampled_from(sorted(self.fake.tasks))))

    @precondition(lambda self: self.fake.tasks)
    @rule(data=st.data())
    def convert(self, data: st.DataObject) -> None:
        self.fake.tick(0.001)
        self.fake.convert(sorted(self.fake.tasks)[:5], self.person(data))

    @rule(faults=st.lists(st.sampled_from(["429", "500", "drop", "cut"]), max_size=6), sweep=st.booleans())
    def pull(self, faults: list[Fault], sweep: bool) -> None:
        self.fake.faults = list(faults)
        try:
            self.base.pull(sweep=sweep)
        except ToolError:
            return
        if sweep:
            self.base.check()

    @rule(jobs=st.integers(0, 3), inside=st.booleans())
    def cut_off(self, jobs: int, inside: bool) -> None:
        """Between two commits, or inside a transaction when all but its end is done."""
        left = jobs
        load_into = connections.load.load_into

        def dying(*given: Any, **named: Any) -> Any:
            load_into(*given, **named)
            raise Cut

        def submit(job: Callable[[Store], object]) -> object:
            nonlocal left
            left -= 1
            if left >= 0:
                return job(self.base.store)
            if inside:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(connections.load, "load_into", dying)
                    job(self.base.store)
            raise Cut

        self.fake.faults = []
        with suppress(Cut):  # there may have been fewer jobs
            self.base.pull(submit=submit)


def test_whatever_happens_the_store_ends_with_the_servers_truth() -> None:
    run_state_machine_as_test(
        Floor, settings=settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    )


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """A real process pulls and is killed at chosen requests, until one gets through."""
    base = Base(tmp_path)
    for _ in range(400):
        base.fake.tick(0.01)
        base.fake.submit(base.fake.task(base.boxes), base.li, boxes=2, lead=3.5)
    base.store.close()
    environment = {**os.environ, "PIECEWORK_STORE": str(tmp_path / "s.duckdb"), "LS_TOKEN": TOKEN}
    kills = 0
    for after in (4, 5, 6, 7, None):
        seen = 0
        running: list[subprocess.Popen[bytes]] = []

        def count(after: int | None = after, running: list[subprocess.Popen[bytes]] = running) -> None:
            nonlocal seen
            seen += 1
            if seen == after:
                running[0].send_signal(signal.SIGKILL)

        base.fake.on_request = count
        running.append(subprocess.Popen([sys.executable, "-m", "data", "sync", "ls"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL))
        status = running[0].wait(timeout=120)
        assert status in (0, -signal.SIGKILL)
        kills += status != 0
    base.fake.on_request = None
    assert kills == 4
    with Store(tmp_path / "s.duckdb") as store:
        assert stored(store, "ls") == expected(base.fake.annotations())
        assert len(expected(base.fake.annotations())) == 400
        assert [one.name for one in verify(store) if not one.ok] == []
    base.close()
