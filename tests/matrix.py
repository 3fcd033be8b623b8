"""The suite on every Python there is, with the newest packages, and once with the oldest allowed.

`make matrix` runs all; `make matrix ARGS="lowest 3.12 -- tests/store"` two, and some tests of them.
"keras-hub" are its models alone, in an environment of their own. Browsers are left out, because
they do not depend on either.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import click

PROJECT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LOWEST = "lowest"
HUB = "keras-hub"
_LOGS = PROJECT / ".venv-matrix-logs"
_EXTRAS = "demo,dev,frames,postgres,report"
_TENSORFLOW = {"lowest": "tensorflow-cpu>=2.18", "highest": "tensorflow-cpu"}
_SUITE = ("-n", "2", "--dist", "loadfile", "-m", "not slow and not browser", "-q")


def main(arguments: list[str]) -> int:
    """Run what is named before `--`, all of it by default, with what stands behind it.

    Returns:
        1 where any failed, else 0.
    """
    split = arguments.index("--") if "--" in arguments else len(arguments)
    known = [LOWEST, HUB, *PYTHONS]
    wanted, tests = arguments[:split] or known, arguments[split + 1 :]
    unknown = set(wanted) - set(known)
    if unknown:
        click.echo(f"expected some of {' '.join(known)}. Received: {' '.join(unknown)}")
        return 2
    results = {name: _result(name, tests) for name in wanted}
    width = max(map(len, results))
    click.echo("\n".join(f"{name:<{width}}  {result}" for name, result in results.items()))
    return int(any(result.startswith("failed") for result in results.values()))


def _result(name: str, tests: list[str]) -> str:
    version = name if name in PYTHONS else PYTHONS[0]
    python = shutil.which(f"python{version}")
    if python is None:
        return f"python{version} is not here"
    environment = PROJECT / f".venv-matrix-{name}"
    if not _installed(environment, python, name):
        return "failed: these packages cannot be installed together"
    # What old packages say of one another is not for us.
    warnings = ["-o", "filterwarnings=default"] if name == LOWEST else []
    if name == HUB:
        tests = ["tests/capture/keras_hub_models.py"]
    command = [str(environment / "bin" / "python"), "-m", "pytest", *_SUITE, *warnings, *tests]
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or ["no tests ran"])[-1].strip("= ")
    if done.returncode:
        # Not in the environment, which the next run makes anew.
        log = _LOGS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout + done.stderr)
        return f"failed: {last}; see {log.relative_to(PROJECT)}"
    return last


def _installed(environment: Path, python: str, name: str) -> bool:
    uv = str(Path(sys.executable).with_name("uv"))
    resolution = "lowest-direct" if name == LOWEST else "highest"
    target = environment / "bin" / "python"
    tensorflow = _TENSORFLOW["lowest" if name == LOWEST else "highest"]
    further = [HUB] if name == HUB else []
    commands = (
        [uv, "venv", "--quiet", "--clear", "--python", python, str(environment)],
        [
            *(uv, "pip", "install", "--quiet", "--python", str(target)),
            *("--resolution", resolution, tensorflow, *further, "-e", f".[{_EXTRAS}]"),
        ],
    )
    return all(subprocess.run(c, cwd=PROJECT, check=False).returncode == 0 for c in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
