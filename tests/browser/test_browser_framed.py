"""The dashboard in a notebook's frame, and below a path behind a proxy."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import waitress.server
from lossmon_dashboard import create_app
from lossmon_dashboard.framed import FRAMES
from playwright.sync_api import Browser, Page, expect

import lossmon
from lossmon import inline
from tests.browser.conftest import FLAGS, OpenPage
from tests.browser.proxied import Proxied, Sites, serving_sites
from tests.dashboard.seed import SCENARIOS, seed, write

pytestmark = pytest.mark.browser


class Notebook(BaseHTTPRequestHandler):
    """A page as a notebook makes it: what `_repr_html_` gives, in a cell."""

    cell = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        page = f"<html><head><link rel=icon href=data:,></head><div id=page><h1>{self.cell}</h1>"
        self.wfile.write(page.encode())

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


def test_a_notebook_shows_a_run_and_its_kernel_takes_the_dashboard_along(
    tmp_path: Path, open_page: OpenPage
) -> None:
    path = tmp_path / "runs.db"
    write(str(path), SCENARIOS[0])
    shown = lossmon.dashboard(path, "latest", height=500)
    assert lossmon.dashboard(path).url == shown.url.removesuffix("run/latest")
    Notebook.cell = shown._repr_html_()
    assert 'height="500"' in Notebook.cell
    server = ThreadingHTTPServer(("127.0.0.1", 0), Notebook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        # The frame is another origin: what it asks for is no foreign request of the page's own.
        page = open_page(f"http://localhost:{server.server_port}/", foreign=True)
        frame = page.frame_locator("iframe")
        expect(frame.locator("h1")).to_have_text("digits-cnn")
        expect(frame.locator("#run-history .legendtext").first).to_be_visible()
    finally:
        server.shutdown()
        server.server_close()
    end(path)


def end(path: Path) -> None:
    """As the end of the kernel ends them: the dashboards of a database."""
    for process in (of.process for key, of in inline._started.items() if key[0] == str(path)):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_behind_the_proxy_of_a_hub_all_is_asked_by_its_way(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    write(str(path), SCENARIOS[0])
    hub = "https://hub.example.org"
    shown = lossmon.dashboard(path, light=True, proxy=f"{hub}/user/me/proxy/{{port}}/")
    ((_, port, _),) = [of for key, of in inline._started.items() if key[0] == str(path)]
    try:
        assert shown.url == f"{hub}/user/me/proxy/{port}/run/latest?light=1"
        request = Request(f"http://127.0.0.1:{port}/run/latest", headers={"Host": hub[8:]})
        with urlopen(request) as answer:
            assert f'src="/user/me/proxy/{port}/_dash-component-suites/' in answer.read().decode()
    finally:
        end(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A database whose dashboards end with the module."""
    path = tmp_path_factory.mktemp("framed") / "runs.db"
    write(str(path), SCENARIOS[0])
    yield path
    end(path)


@pytest.fixture(scope="module")
def sites() -> Generator[Sites]:
    with serving_sites() as found:
        yield found


@pytest.fixture(scope="module")
def everywhere(browser: Browser, chromium: str, sites: Sites) -> Generator[Browser]:
    """A browser to which every name is that of the sites."""
    rule = f"--host-resolver-rules=MAP * 127.0.0.1:{sites.port}"
    other = browser.browser_type.launch(executable_path=chromium, args=[*FLAGS, rule])
    yield other
    other.close()


def visited(everywhere: Browser, address: str) -> tuple[Page, list[str]]:
    """A page, and what its console said."""
    said: list[str] = []
    page = everywhere.new_context(ignore_https_errors=True).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    return page, said


HUB = "hub.example.org"


def test_a_hub_serves_it_by_whatever_name(runs: Path, sites: Sites, everywhere: Browser) -> None:
    """As `jupyter-server-proxy` does: the path is taken off, the name is passed on."""
    cell = lossmon.dashboard(runs, "latest", proxy="/user/me/proxy/{port}/")
    (_, _, _, _, port, key, *_) = cell.url.split("/")
    assert len(key) > 20
    sites.pages[HUB] = cell._repr_html_()
    sites.proxied[HUB] = Proxied(int(port), f"/user/me/proxy/{port}")
    sites.statuses.clear()
    page, said = visited(everywhere, f"https://{HUB}/user/me/lab")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#run-history .legendtext").first).to_be_visible(timeout=20_000)
    frame.get_by_role("link", name="All runs").click()
    expect(frame.locator("#runs-summary")).to_contain_text("1 run", timeout=20_000)
    assert said == []
    assert {*sites.statuses} <= {200, 304}
    # A page of another site that points its own name at this machine does not know the path.
    for path in ("/", f"/user/me/proxy/{port}/", "/x" + key, f"/{key}x/", "/_dash-layout"):
        request = Request(f"http://127.0.0.1:{port}{path}", headers={"Host": "evil.example"})
        with pytest.raises(HTTPError, match="404"):
            urlopen(request)
    page.context.close()


COLAB, OUTPUT = "colab.research.google.com", "x1-0-colab.googleusercontent.com"


def test_colab_serves_a_port_of_its_machine(
    runs: Path, sites: Sites, everywhere: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its window holds the frame of the cell's output, and that the one of the port."""

    served = "8050-cpu-s-x1.us-west4-1.prod.colab.dev"

    def serve_kernel_port_as_iframe(port: int, path: str, height: str) -> None:
        sites.proxied[served] = Proxied(port)
        sites.pages[OUTPUT] = f'<iframe src="https://{served}{path}" height="{height}"></iframe>'
        sites.pages[COLAB] = f'<iframe src="https://{OUTPUT}/" height="900"></iframe>'

    colab = SimpleNamespace(serve_kernel_port_as_iframe=serve_kernel_port_as_iframe)
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=colab))
    monkeypatch.setitem(sys.modules, "google.colab.output", colab)
    cell = lossmon.dashboard(runs, "latest", height=500)
    cell._ipython_display_()
    page, said = visited(everywhere, f"https://{COLAB}/")
    frame = page.frame_locator("iframe").frame_locator("iframe")
    expect(frame.locator("h1")).to_have_text("digits-cnn", timeout=20_000)
    expect(frame.locator("#run-history .legendtext").first).to_be_visible(timeout=20_000)
    assert said == []
    # No other site may.
    sites.pages["evil.example"] = f'<iframe src="https://{served}/"></iframe>'
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto("https://evil.example/")
    page.context.close()


def test_a_codespace_has_the_port_in_its_name(
    runs: Path, sites: Sites, everywhere: Browser
) -> None:
    """Its window is another site than the port, which is asked by the name of this machine."""
    cell = lossmon.dashboard(runs, "latest", proxy="https://me-{port}.app.github.dev/")
    address = urlsplit(cell.url)
    port = int(address.netloc.split("-")[1].split(".")[0])
    sites.proxied[address.netloc] = Proxied(port, keep_host=False)
    sites.pages["x.vscode-cdn.net"] = cell._repr_html_()
    sites.pages["me.github.dev"] = '<iframe src="https://x.vscode-cdn.net/" height="900"></iframe>'
    page, said = visited(everywhere, "https://me.github.dev/")
    frame = page.frame_locator("iframe").frame_locator("iframe")
    expect(frame.locator("#run-history .legendtext").first).to_be_visible(timeout=20_000)
    assert said == []
    page.context.close()


def test_the_window_of_an_editor_may_hold_the_frame_of_its_notebook() -> None:
    """Browsers ask of each page around a frame; no `*` stands for the schemes of an editor."""
    assert {"vscode-webview:", "vscode-file:"} <= {*FRAMES}


def test_a_cell_gets_the_frame_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython's `HTML` warns of each frame that is not its own."""
    told: list[tuple[object, bool]] = []
    ipython = SimpleNamespace(display=lambda data, raw: told.append((data, raw)))
    monkeypatch.setitem(sys.modules, "IPython.display", ipython)
    cell = inline.InlineDashboard("http://localhost:1/", 500, 1)
    cell._ipython_display_()
    assert told == [({"text/html": cell._repr_html_(), "text/plain": repr(cell)}, True)]


@pytest.mark.parametrize("proxy", ["/user/me/proxy/8050", "no path"])
def test_a_proxy_needs_the_port(proxy: str) -> None:
    with pytest.raises(lossmon.InvalidArgument, match=r"\{port\} in it"):
        lossmon.dashboard("runs.db", proxy=proxy)


def test_a_process_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = subprocess.Popen(["true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    monkeypatch.setattr(inline.subprocess, "Popen", lambda *_, **__: said)
    with pytest.raises(lossmon.StoreError, match="could not be started"):
        lossmon.dashboard("nowhere.db")
    said.wait()
    for pipe in (said.stdin, said.stdout):
        assert pipe is not None
        pipe.close()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a dashboard below a path."""
    path = str(tmp_path_factory.mktemp("proxied") / "runs.db")
    seed(path)
    app = create_app(path, prefix="/some/path")
    listener = socket.create_server(("127.0.0.1", 0))
    server = waitress.server.create_server(app.server, sockets=[listener], url_prefix="/some/path")
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.close()


def test_all_works_below_a_path(proxied: str, open_page: OpenPage) -> None:
    page = open_page(f"{proxied}/some/path/")
    page.get_by_role("link", name="digits-overfit").click()
    expect(page.locator("h1")).to_have_text("digits-overfit")
    assert "/some/path/run/" in page.url
    expect(page.locator("#run-history .legendtext").first).to_be_visible()
    page.get_by_label("Save: Loss and accuracy").click()
    with page.expect_download() as download:
        page.get_by_text("All numbers behind it").click()
    assert download.value.suggested_filename.endswith("-batches.csv")
    page.get_by_role("link", name="LM408").click()
    expect(page.locator("h1")).to_have_text("Overfitting")
    page.get_by_role("link", name="Rules", exact=True).click()
    page.wait_for_url("**/some/path/rules")
    expect(page.locator("#nav-rules")).to_have_class("lossmon-nav lossmon-nav-here")
    page.reload()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("#runs-summary")).to_contain_text("9 runs")
