from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from lossmon_dashboard import create_app
from lossmon_dashboard.pages import run, runs
from lossmon_dashboard.news import observe
from lossmon_dashboard.shell import render
from lossmon_dashboard.source import current_store

app = create_app(sys.argv[1])
client = app.server.test_client()
assert client.get("/").status_code == 200
assert client.get("/_dash-layout").status_code == 200
with app.server.test_request_context():
    for path in ("/", "/run/latest", "/compare", "/rules", "/rules/LM301"):
        render(path, "?runs=latest")
    observe("/")
    runs.contents({}, {"words": "", "archived": False, "by": None, "group": None}, ())
    run.description(current_store().run_document("latest"))
heavy = {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)
print(sorted(heavy))
"""


def test_the_dashboard_never_imports_keras_or_a_backend(database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, database],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
