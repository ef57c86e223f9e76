"""The import screen: who has it, what a dropped file would do, correcting it, importing it, taking it back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from data import imports, mapping, trial, undo, uploads
from data.owner import owner
from data.tables import REJECT_CODES, TABLES, Reject
from metrics.scope import scope_for
from pages.ui import importing, loads, records, refusals
from pages.ui.access import Visitor
from pages.ui.text import safe, speaking
from tests.data.canonical import content
from tests.pages.conftest import ROOT, Open

SCREEN = "data/import_files.py"
HEAD = "event_id,worker_id,project_id,item_id,ts,units,duration_s\n"
Drop = Callable[..., AppTest]


def said(at: AppTest) -> str:
    return "\n".join(
        str(e.value) for kind in ("title", "subheader", "markdown", "caption", "warning", "error", "success") for e in getattr(at, kind)
    )


def drop(at: AppTest, name: str, text: str | bytes) -> AppTest:
    at.file_uploader[0].upload(name, text.encode() if isinstance(text, str) else text)
    at.run()
    assert not at.exception
    return at


def fates(at: AppTest) -> list[str]:
    return [m.value for m in at.metric]


def press(at: AppTest, key: str) -> AppTest:
    button = next(b for b in at.button if (b.key or "").startswith(key))
    button.click()
    at.run()
    assert not at.exception
    return at


def settled(at: AppTest) -> AppTest:
    """Once the writer has done what it took."""
    owner().writer.submit(lambda store: None).result(60)
    at.run()
    return at


def row(event: str, *, worker: str = "W00", project: str = "P1", units: object = 5) -> str:
    return f"{event},{worker},{project},i-{event},2026-03-02 09:00:00,{units},60\n"


# Who ----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("persona", ["executive", "hr", "team_lead"])
def test_others_do_not_have_it(visit: Open, persona: str) -> None:
    at = visit(SCREEN, persona=persona, lang="en")
    assert not at.file_uploader
    assert "do not have the screen “Import”" in said(at)


def test_at_first_it_says_what_to_do(visit: Open) -> None:
    at = visit(SCREEN, persona="site_manager", lang="en")
    assert "Drop a file to see what it would bring" in said(at)
    assert f"up to {uploads.LIMIT_MB} MB each" in said(at)
    assert "python -m data" not in said(at), "for administrators"
    assert "python -m data import" in said(visit(SCREEN, persona="admin", lang="en"))


# What it would do -----------------------------------------------------------------------------------------------------------
def test_a_file_says_what_it_would_bring_and_brings_nothing(visit: Open) -> None:
    store = owner().store
    before = content(store)
    at = drop(visit(SCREEN, persona="site_manager", lang="en"), "march.csv", HEAD + row("n1") + row("n2") + row("n3", units="many"))
    assert fates(at) == ["2", "0", "0", "1"]
    assert "Annotations" in said(at)
    assert [b.label for b in at.button if (b.key or "").startswith("import_go")] == ["Import 2 rows"]
    assert content(store) == before
    assert store.rows("SELECT count(*) FROM reject") == [(0,)]


def test_a_mistyped_project_is_a_warning_and_a_new_person_is_told(visit: Open) -> None:
    at = drop(visit(SCREEN, persona="site_manager", lang="en"), "a.csv", HEAD + row("n1", project="p01") + row("n2", worker="NEW-7"))
    assert any("p01" in w.value and "P1?" in w.value for w in at.warning)
    assert "People 1 (NEW\\-7)" in said(at)


def test_a_known_name_of_another_site_is_not_given_away(visit: Open) -> None:
    text = HEAD + row("n1", worker="w20")
    assert any("W20" in w.value for w in drop(visit(SCREEN, persona="admin", lang="en"), "a.csv", text).warning)
    mine = drop(visit(SCREEN, persona="site_manager", lang="en"), "a.csv", text)
    assert not any("W20" in w.value for w in mine.warning), "W20 sits in the other site"


def test_many_refused_rows_are_taken_for_a_column_read_wrongly(visit: Open) -> None:
    at = drop(
        visit(SCREEN, persona="admin", lang="en"), "a.csv", HEAD + "".join(row(f"n{n}", units="x" if n % 2 else 1) for n in range(10))
    )
    assert any("50% of the rows" in w.value for w in at.warning)


def test_what_was_there_before_is_shown_within_the_scope_alone(visit: Open) -> None:
    store = owner().store
    (there,) = store.rows("SELECT event_id, worker_id, project_id, item_id, ts::VARCHAR FROM work JOIN worker USING (worker_key) JOIN project USING (project_key) WHERE worker_id = 'W20' AND action = 0 LIMIT 1")  # fmt: skip
    text = "event_id,worker_id,project_id,item_id,ts,units,tool\n" + ",".join(map(str, there)) + ",7,small\n"
    for persona, seen in (("admin", True), ("site_manager", False)):
        at = drop(visit(SCREEN, persona=persona, lang="en"), "a.csv", text)
        assert fates(at)[:2] == ["0", "1"]
        at.session_state[f"import_what_{at.session_state['import_waiting'][0].key}"] = True
        at.run()
        shown = [d.value for d in at.dataframe if "Was" in d.value.columns]
        assert bool(shown) is seen, persona
        assert ("shown to those who look after" in said(at)) is not seen


@pytest.mark.parametrize(("name", "head"), [("prices", "project_id,valid_from,amount\nP1,2026-01-01,9\n"), ("rates", "project_id,valid_from,amount,pay_on\nP1,2026-01-01,9,submit\n")])  # fmt: skip
def test_prices_and_rates_are_for_those_who_may_see_them(visit: Open, name: str, head: str) -> None:
    at = drop(visit(SCREEN, persona="site_manager", lang="en"), f"{name}.csv", head)
    assert any("may not see" in e.value for e in at.error)
    assert not [b for b in at.button if (b.key or "").startswith("import_go")]
    assert [b for b in drop(visit(SCREEN, persona="admin", lang="en"), f"{name}.csv", head).button if (b.key or "").startswith("import_go")]


@pytest.mark.parametrize(("name", "content_"), [("empty.csv", b""), ("photo.csv", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256))), ("cut.xlsx", b"PK\x03\x04half")])  # fmt: skip
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_cannot_be_read_is_one_sentence(visit: Open, name: str, content_: bytes, lang: str) -> None:
    at = drop(visit(SCREEN, persona="site_manager", lang=lang), name, content_)
    assert len(at.error) == 1
    assert name.split(".")[0] in at.error[0].value
    assert bool(re.search("[\u4e00-\u9fff]", at.error[0].value)) is (lang == "zh")
    press(at, "import_remove")
    assert not at.error
    assert list(uploads.folder_of(owner().store.path).iterdir()) == []


HOSTILE = "'; DROP TABLE work; -- 🙂 **b** [x](www.example.com) <img src=x> :red[r] =cmd().csv"


def test_hostile_names_and_cells_stay_words(visit: Open) -> None:
    store = owner().store
    text = HEAD + '"=cmd()|\' /C calc\'!A0","\'; DROP TABLE work",<script>alert(1)</script>,**🙂**,,:red[x],\n' + row("ok")
    at = drop(visit(SCREEN, persona="admin", lang="en"), HOSTILE, text)
    everything = said(at)
    for bare in ("**b**", "[x](", " <img", ":red[r]", "www.example", "[<script"):
        assert bare not in everything
    press(at, "import_go")
    settled(at)
    assert store.rows("SELECT file, new, rejected FROM load ORDER BY load_id DESC LIMIT 1") == [(HOSTILE, 1, 1)]
    (job,) = imports.jobs(owner(), "demo")
    with speaking("en"):
        cells = list(csv.reader(io.StringIO(records.written(refusals.listed(job.rejects())).decode("utf-8-sig"))))
    assert not [cell for line in cells for cell in line if cell.startswith(("=", "+", "-", "@"))]


def test_words_of_files_are_not_markdown() -> None:
    assert safe("**b** [x](y)") == r"\*\*b\*\* \[x\]\(y\)"
    assert safe("a\nb") == "a b"
    for live in ("www.example.com", "http://x.y", "me@x.y", "a->b", "a--b"):
        assert live not in safe(live).replace("\\", "")
        assert safe(live).replace("\\", "").replace("\u2060", "") == live


# Correcting -------------------------------------------------------------------------------------------------------------------
ODD = "nr,wer,was,stueck,wann,menge\n1,W00,P1,a,03/04/2026,7\n2,W00,P1,b,05/04/2026,8\n"


def test_an_unknown_layout_is_mapped_once_and_known_the_next_time(visit: Open) -> None:
    at = drop(visit(SCREEN, persona="site_manager", lang="en"), "odd.csv", ODD)
    assert not at.metric
    table = next(s for s in at.selectbox if s.label == "The rows are")
    table.set_value("annotations")
    at.run()
    assert any("Record id" in w.value for w in at.warning)
    for header, name in {
        "nr": "event_id",
        "wer": "worker_id",
        "was": "project_id",
        "stueck": "item_id",
        "wann": "ts",
        "menge": "units",
    }.items():
        next(s for s in at.selectbox if s.label == header).set_value(name)
    next(s for s in at.selectbox if s.label == "Dates").set_value("dmy")
    next(b for b in at.button if b.label == "Try it so").click()
    at.run()
    assert fates(at) == ["2", "0", "0", "0"]
    next(t for t in at.text_input if t.label == "Keep this as a mapping named").set_value("german tool")
    at.run()
    next(b for b in at.button if b.label == "Save").click()
    at.run()
    assert not at.exception
    kept = mapping.get(owner().store, "german tool")
    assert (kept.table, dict(kept.columns)["ts"], kept.date_order) == ("annotations", "wann", "dmy")
    again = drop(visit(SCREEN, persona="site_manager", lang="en"), "odd2.csv", ODD.replace("1,W00", "11,W00").replace("2,W00", "12,W00"))
    assert fates(again) == ["2", "0", "0", "0"]
    assert "mapping german tool" in said(again)
    press(again, "import_go")
    settled(again)
    assert owner().store.rows("SELECT ts::DATE::VARCHAR, units FROM work WHERE event_id = '11'") == [
        ("2026-04-02", 7)
    ]  # midnight in Shanghai


def test_a_saved_mapping_is_not_replaced_by_accident(visit: Open) -> None:
    mapping.save(owner().store, mapping.Mapping("taken", "annotations", {"event_id": "a", "worker_id": "b"}))
    at = drop(visit(SCREEN, persona="site_manager", lang="en"), "a.csv", "event_id,worker_id,item_id,units\nn1,W00,a,5\n")
    next(t for t in at.text_input if t.label == "Project id, the same for all rows").set_value("P1")
    next(b for b in at.button if b.label == "Try it so").click()
    at.run()
    next(t for t in at.text_input if t.label == "Keep this as a mapping named").set_value("taken")
    at.run()
    next(b for b in at.button if b.label == "Save").click()
    at.run()
    assert any("of that name already" in e.value for e in at.error)
    assert dict(mapping.get(owner().store, "taken").columns) == {"event_id": "a", "worker_id": "b"}


def test_one_field_is_not_two_columns(visit: Open) -> None:
    at = drop(visit(SCREEN, persona="admin", lang="en"), "odd.csv", ODD)
    next(s for s in at.selectbox if s.label == "The rows are").set_value("annotations")
    at.run()
    for header in ("nr", "wer"):
        next(s for s in at.selectbox if s.label == header).set_value("event_id")
    next(b for b in at.button if b.label == "Try it so").click()
    at.run()
    assert any("Two columns cannot both be Record id" in e.value for e in at.error)


def test_a_column_that_the_file_lacks_is_given_for_all_rows(visit: Open) -> None:
    at = drop(visit(SCREEN, persona="admin", lang="en"), "a.csv", "event_id,worker_id,item_id,units\nn1,W00,a,5\n")
    assert not at.metric
    next(t for t in at.text_input if t.label == "Project id, the same for all rows").set_value("P1")
    next(b for b in at.button if b.label == "Try it so").click()
    at.run()
    assert fates(at) == ["1", "0", "0", "0"]


# Importing and taking back ------------------------------------------------------------------------------------------------------
def test_imported_found_again_and_taken_back(visit: Open) -> None:
    store = owner().store
    before = content(store)
    at = drop(visit(SCREEN, persona="admin", lang="en"), "march.csv", HEAD + row("n1") + row("n2") + row("n3", units="many"))
    press(at, "import_go")
    settled(at)
    assert "march" in said(at)
    assert fates(at) == ["2", "0", "0", "1"]
    other = visit(SCREEN, persona="admin", lang="en")
    assert fates(other) == ["2", "0", "0", "1"], "the result stands there in another tab"
    table = next(d.value for d in at.dataframe if "State" in d.value.columns)
    assert table.iloc[0][["File", "Rows", "New", "Refused", "State"]].tolist() == ["march.csv", 3, 2, 1, "in the numbers"]
    newest = undo.loads(store, limit=1)[0]
    owner().writer.submit(lambda own: undo.undo(own, newest.load_ids, by="demo")).result(60)
    assert content(store) == before
    at.run()
    table = next(d.value for d in at.dataframe if "State" in d.value.columns)
    assert table.iloc[0]["State"].startswith("taken back")


def test_several_files_lists_first(visit: Open) -> None:
    at = visit(SCREEN, persona="admin", lang="en")
    drop(at, "work.csv", HEAD + row("n1", worker="NEW1"))
    drop(at, "people.csv", "worker_id,name,site_id,hire_date\nNEW1,新人,S1,2026-01-01\n")
    press(at, "import_all")
    settled(at)
    assert [file for (file,) in owner().store.rows("SELECT file FROM load WHERE file IS NOT NULL ORDER BY load_id")] == [
        "people.csv",
        "work.csv",
    ]


def test_a_failed_import_says_why(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = drop(visit(SCREEN, persona="admin", lang="en"), "a.csv", HEAD + row("n1"))
    job = next(iter(at.session_state["import_waiting"]))
    job.upload.path.write_text("foo,bar\n1,2\n")
    press(at, "import_go")
    settled(at)
    assert any("does not fit" in e.value for e in at.error)


def test_who_may_take_what_back(visit: Open) -> None:
    own, store = owner(), owner().store
    manager, admin = Visitor("site_manager", scope_for("site_manager", site="S1"), "mei"), Visitor("admin", scope_for("admin"), "anna")

    def come(name: str, text: str, by: str) -> undo.Loaded:
        imports.start(own, uploads.keep(store.path, name, io.BytesIO(text.encode())), imports.Choice(), by=by)
        own.writer.submit(lambda _: None).result(60)
        return undo.loads(store, limit=1)[0]

    here, there = come("here.csv", HEAD + row("n1"), "anna"), come("there.csv", HEAD + row("n2", worker="W20"), "anna")
    both, people = come("both.csv", HEAD + row("n3") + row("n4", worker="W20"), "anna"), come("p.csv", "worker_id,name\nW00,X\n", "anna")
    own_people = come("q.csv", "worker_id,name\nW00,Y\n", "mei")
    assert [loads.may_take_back(manager, store, one) for one in (here, there, both, people, own_people)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert all(loads.may_take_back(admin, store, one) for one in (here, there, both, people, own_people))


# Words ----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_refusal_is_said_without_names_of_the_store(lang: str) -> None:
    raw = re.compile(r"[a-z]+_[a-z]+")
    with speaking(lang):
        for spec in TABLES.values():
            for column in spec.columns:
                for code in REJECT_CODES:
                    words = refusals.sentence(spec.name, code, column.name, "7")
                    assert not raw.search(words), words
                    assert "{" not in words
                for choice in column.choices:
                    assert not raw.search(refusals.choice(column.name, choice)) or lang == "en"


def test_refused_rows_are_listed_with_line_column_and_reason() -> None:
    with speaking("en"):
        found = refusals.listed(
            [("reviews", Reject(7, "choice", "verdict", "mabye", "", "raw,row")), ("workers", Reject(9, "fields_few", None, "2", "", "x"))]
        )
    assert found["Line"] == [7, 9]
    assert found["Column"] == ["Verdict", "–"]
    assert found["Reason"] == ["Verdict “mabye” is none of accepted, fixed, rejected.", "The row has 2 fields, fewer than the header."]


def test_guarded_lists_are_those_whose_measures_need_the_field() -> None:
    from metrics.definitions import REGISTRY

    assert importing.GUARDED == {"prices": "client_prices", "rates": "pay"}
    assert "client_prices" in REGISTRY.measures["revenue"].fields
    assert "pay" in REGISTRY.measures["pay"].fields


def test_uploads_are_bounded_alike_for_the_browser_and_the_server() -> None:
    import tomllib

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["maxUploadSize"] == uploads.LIMIT_MB


def test_the_guide_tells_the_limits() -> None:
    english, chinese = ((ROOT / "docs" / f"guide.{lang}.md").read_text("utf-8") for lang in ("en", "zh"))
    for page in (english, chinese):
        assert f"{uploads.LIMIT_MB} MB" in page
    assert f"{trial.ROWS:,} rows" in english
    assert f"{trial.ROWS // 10_000} 万行" in chinese
