"""The started server: the door on http and websocket, signing in and out, commands through it, and kill -9."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from bench.kill import kill_imports, kill_pushes, rows
from data import accounts, remote
from data.store import Store
from tests.serving import ROOT, Serving, command, environment, run_page

PASSWORD = "correct horse battery"
HASH = accounts.hash_password(PASSWORD)
SCREENS = sorted({file.stem for file in (ROOT / "pages").glob("[a-z]*/*.py") if file.parent.name != "ui"} | {"", "site/quality", "app"})
NOBODY = re.compile("Nobody is signed in|尚未登录")
PUSH = "/api/events/annotations"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server on a store that is not a demo, with some accounts."""
    path = tmp_path_factory.mktemp("real") / "s.duckdb"
    with Store(path) as store:
        for name in ("anna", "bo", "chen", "dora", "eva"):
            accounts.add(store, name, HASH, "admin")
    with Serving(path) as server:
        yield server


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server on a store that says it is a demo."""
    path = tmp_path_factory.mktemp("demo") / "s.duckdb"
    with Store(path) as store:
        store.set_meta("demo", "yes")
    with Serving(path) as server:
        yield server


def sign_in(client: httpx.Client, name: str, password: str = PASSWORD, target: str = "/", **headers: str) -> httpx.Response:
    return client.post("/login", params={"next": target}, data={"name": name, "password": password}, headers=headers)


def cookie(client: httpx.Client) -> dict[str, str]:
    return {"Cookie": f"piecework_sid={client.cookies['piecework_sid']}"}


# The door ----------------------------------------------------------------------------------------------------------------
def test_a_cold_server_answers_every_deep_link_with_the_sign_in_page(real: Serving) -> None:
    with real.client() as client:
        for screen in SCREENS:
            answer = client.get(f"/{screen}?site=S1&lang=zh")
            assert answer.status_code == 303, screen
            assert unquote(answer.headers["location"]) == f"/login?next=/{screen}?site=S1&lang=zh"
            page = client.get(answer.headers["location"])
            assert page.status_code == 200
            assert 'type="password"' in page.text


@pytest.mark.parametrize(
    "path", ["/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/static/index.js", "/media/x.png", "/component/x/y"]
)
def test_nothing_of_streamlit_is_served_to_strangers(real: Serving, path: str) -> None:
    with real.client() as client:
        assert client.get(path).status_code == 403
        assert client.put(path).status_code == 403


def test_the_sign_in_page_needs_nothing_else_and_speaks_both_languages(real: Serving) -> None:
    with real.client() as client:
        chinese = client.get("/login", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
        english = client.get("/login", headers={"Accept-Language": "en-US,en;q=0.9"})
        assert "登录" in chinese.text
        assert "Sign in" in english.text
        assert client.get("/login?lang=zh", headers={"Accept-Language": "en"}).text.count("登录") >= 2
        for page in (chinese.text, english.text):
            assert not re.search(r'(src|href)="(?!data:,|/login)', page)
            assert "prefers-color-scheme: dark" in page
        assert "default-src 'none'" in english.headers["content-security-policy"]
        assert client.delete("/login").status_code == 405


@pytest.mark.parametrize("spoof", ["X-Piecework-Session", "x-piecework-session", "X-PIECEWORK-USER"])
def test_headers_of_ours_from_outside_are_worth_nothing(real: Serving, spoof: str) -> None:
    with real.client() as client:
        sign_in(client, "anna")
        key = accounts.session_key(client.cookies["piecework_sid"])
    with real.client() as client:
        assert client.get("/quality", headers={spoof: key}).status_code == 303
        with pytest.raises(InvalidStatus) as refused:
            real.websocket({spoof: key})
        assert refused.value.response.status_code == 403
        sign_in(client, "bo")
        with real.websocket(cookie(client) | {spoof: key}) as tab:
            drawn = run_page(tab)
        assert "bo ·" in drawn
        assert "anna ·" not in drawn


def test_websockets_of_strangers_and_of_other_sites_get_403(real: Serving) -> None:
    with pytest.raises(InvalidStatus) as anonymous:
        real.websocket()
    with pytest.raises(InvalidStatus) as wrong:
        real.websocket({"Cookie": "piecework_sid=guess"})
    with real.client() as client:
        sign_in(client, "anna")
        with pytest.raises(InvalidStatus) as foreign:
            real.websocket(cookie(client), origin="https://evil.example")
    assert [one.value.response.status_code for one in (anonymous, wrong, foreign)] == [403] * 3


# Signing in and out ------------------------------------------------------------------------------------------------------
def test_signing_in_sets_a_cookie_scripts_cannot_read_and_goes_on(real: Serving) -> None:
    with real.client() as client:
        answer = sign_in(client, "Anna", target="/quality?site=S1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/quality?site=S1")
        given = answer.headers["set-cookie"].lower()
        assert all(part in given for part in ("httponly", "samesite=strict", "path=/"))
        assert client.get("/quality").status_code == 200
        assert client.get("/login?next=/headcount").headers["location"] == "/headcount"
    with real.client() as client:
        assert "secure" in sign_in(client, "anna", **{"X-Forwarded-Proto": "https"}).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "/login?next=/"]
)
def test_next_leads_nowhere_else(real: Serving, target: str) -> None:
    with real.client() as client:
        assert sign_in(client, "anna", target=target).headers["location"] == "/"


def test_another_site_cannot_send_the_form(real: Serving) -> None:
    with real.client() as client:
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            assert sign_in(client, "anna", **headers).status_code == 403
        assert "piecework_sid" not in client.cookies
        assert sign_in(client, "anna", Origin=real.url).status_code == 303
        assert client.get("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.get("/quality").status_code == 200


def test_a_link_from_outside_is_asked_again_from_our_own_page(real: Serving) -> None:
    with real.client() as client:
        answer = client.get("/quality?x=%22%3E%3Cb%3E", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert 'http-equiv="refresh"' in answer.text
        assert "<b>" not in answer.text
        assert client.get("/quality", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_after_five_failures_known_and_unknown_names_wait_alike(real: Serving) -> None:
    with real.client() as client:
        said = {name: [sign_in(client, name, "wrong wrong wrong") for _ in range(6)] for name in ("dora", "nobody")}
        assert [answer.status_code for answer in said["dora"]] == [401] * 5 + [429]
        for known, unknown in zip(said["dora"], said["nobody"], strict=True):
            assert unknown.status_code == known.status_code
            plain = re.compile('nonce="[^"]*"|value="[^"]*"')
            assert plain.sub("", unknown.text) == plain.sub("", known.text)
        right = sign_in(client, "dora")
        assert (right.status_code, right.headers["retry-after"]) == (429, "900")
        assert sign_in(client, "anna").status_code == 303, "others are not touched"


def test_what_was_typed_comes_back_as_text(real: Serving) -> None:
    with real.client() as client:
        answer = sign_in(client, '"><script>alert(1)</script>', "wrong wrong wrong")
        assert "<script>" not in answer.text
        assert client.post("/login", content=b"x" * 20_000).status_code == 413


def test_an_open_tab_is_out_on_its_next_run_after_signing_out(real: Serving) -> None:
    with real.client() as client:
        sign_in(client, "chen")
        with real.websocket(cookie(client)) as tab:
            assert "chen ·" in run_page(tab)
            answer = client.get("/logout")
            assert answer.headers["location"] == "/login"
            drawn = run_page(tab)
        assert NOBODY.search(drawn)
        assert "chen ·" not in drawn
        assert client.get("/quality").status_code == 303


def test_an_open_tab_is_out_when_the_account_is_disabled(real: Serving) -> None:
    with real.client() as client:
        sign_in(client, "eva")
        with real.websocket(cookie(client)) as tab:
            assert "eva ·" in run_page(tab)
            assert command(real.store, "account", "disable", "eva").returncode == 0
            time.sleep(1.1)  # an account is remembered for a second
            assert NOBODY.search(run_page(tab))
        assert sign_in(client, "eva").status_code == 401


def test_a_store_without_accounts_says_how_to_make_the_first(tmp_path: Path) -> None:
    Store(tmp_path / "s.duckdb").close()
    with Serving(tmp_path / "s.duckdb") as server, server.client() as client:
        page = client.get("/login?lang=en").text
        assert "python -m data account add NAME --role admin" in page
        assert 'type="password"' not in page
        assert "尚" in client.get("/login?lang=zh").text or "还没有" in client.get("/login?lang=zh").text
        made = command(server.store, "account", "add", "root", "--role", "admin", stdin=PASSWORD + "\n")
        assert (made.returncode, made.stderr) == (0, "")
        assert sign_in(client, "root").status_code == 303


# The demo ----------------------------------------------------------------------------------------------------------------
def test_a_demo_opens_without_sign_in_on_this_machine(demo: Serving) -> None:
    with demo.client() as client:
        assert client.get("/quality").status_code == 200
        assert client.get("/login?next=/quality").headers["location"] == "/quality"
    with demo.websocket() as tab:
        assert not NOBODY.search(run_page(tab))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "demo.example"}, {"Host": "192.168.1.5:8501"}, {"Origin": "https://evil.example"}, {"X-Forwarded-For": "10.0.0.7"},
        {"X-Forwarded-Host": "demo.example"}, {"Forwarded": "for=10.0.0.7"}, {"Via": "1.1 proxy"}, {"X-Real-IP": "10.0.0.7"},
    ],
)  # fmt: skip
def test_a_demo_answers_no_proxy_and_no_other_name(demo: Serving, headers: dict[str, str]) -> None:
    with demo.client() as client:
        for path in ("/", "/api/health", "/login"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 403
            assert set(answer.json()) == {"error", "error_zh"}
    if "Host" not in headers:  # the websocket client writes its own
        with pytest.raises(InvalidStatus) as refused:
            demo.websocket({k: v for k, v in headers.items() if k != "Origin"}, origin=headers.get("Origin", demo.url)).close()
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_demo_is_not_served_to_other_machines(tmp_path: Path, host: str) -> None:
    with Store(tmp_path / "s.duckdb") as store:
        store.set_meta("demo", "yes")
    server = Serving(tmp_path / "s.duckdb", host)
    with pytest.raises(AssertionError, match=r"127\.0\.0\.1 only"):
        server.start()
    assert server.process.returncode == 2
    assert "Traceback" not in server.log.read_text("utf-8")


# Commands and the owner --------------------------------------------------------------------------------------------------
def test_commands_reach_the_store_through_the_server(real: Serving, tmp_path: Path) -> None:
    control = remote.control_path(real.store)
    assert stat.S_IMODE(control.stat().st_mode) == 0o600
    file = tmp_path / "work.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows(900_000, 50)) + '\n{"event_id": "bad"}\n', "utf-8")
    first = command(real.store, "import", str(file), "--as", "annotations", "--json")
    assert (first.returncode, "lock" in first.stderr) == (1, False)
    (counts,) = json.loads(first.stdout)["files"]
    assert (counts["rows"], counts["new"], counts["rejected"]) == (51, 50, 1)
    token = command(real.store, "token", "add", "imported", "--source", "import").stdout.strip()
    with real.client(token) as client:
        assert client.post(PUSH, json=rows(900_000, 50)).json()["duplicates"] == 50
    status = json.loads(command(real.store, "status", "--json").stdout)
    assert status["rows"]["work"] == 50
    saved = command(real.store, "backup", str(tmp_path / "b.duckdb"))
    assert (saved.returncode, saved.stderr) == (0, "")
    with Store(tmp_path / "b.duckdb", create=False) as copy:
        assert copy.rows("SELECT count(*) FROM work") == [(50,)]
    assert command(real.store, "verify").returncode == 0


def test_the_control_file_goes_when_the_server_goes_and_a_stale_one_harms_nobody(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    Store(store).close()
    with Serving(store) as server:
        assert remote.control(store)
    assert not remote.control_path(store).exists()
    with Serving(store) as server:
        server.kill()
    assert remote.control(store)
    assert command(store, "status").returncode == 0
    assert remote.call(store, "status", {}) is None
    with Serving(store):
        answer = remote.call(store, "status", {})
        assert answer
        assert answer["store"] == str(store)


def test_a_command_given_while_the_server_starts_waits_for_it(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    with Store(store) as held:
        asking = subprocess.Popen(
            [sys.executable, "-m", "data", "status", "--json"],
            cwd=ROOT,
            env=environment(store),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(3)
        assert asking.poll() is None
        assert held.rows("SELECT 1") == [(1,)]
    out, err = asking.communicate(timeout=60)
    assert (asking.returncode, err) == (0, b"")
    assert json.loads(out)["rows"]["work"] == 0


def test_a_restore_signs_everybody_out(tmp_path: Path) -> None:
    store = tmp_path / "s.duckdb"
    with Store(store) as opened:
        accounts.add(opened, "anna", HASH, "admin")
    with Serving(store) as server, server.client() as client:
        sign_in(client, "anna")
        assert client.get("/quality").status_code == 200
        assert command(store, "backup", str(tmp_path / "b.duckdb")).returncode == 0
        restored = command(store, "restore", str(tmp_path / "b.duckdb"))
        assert (restored.returncode, restored.stderr) == (0, "")
        assert client.get("/quality").status_code == 303
        assert sign_in(client, "anna").status_code == 303


# kill -9 -----------------------------------------------------------------------------------------------------------------
def test_kill_9_among_pushes_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = kill_pushes(tmp_path, kills=3)
    assert outcome.ok, outcome
    assert outcome.broken == 3
    assert outcome.acknowledged > 0


def test_kill_9_among_imports_leaves_whole_files(tmp_path: Path) -> None:
    outcome = kill_imports(tmp_path, kills=4, size=5_000)
    assert outcome.ok, outcome
