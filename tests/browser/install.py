"""Find a Chromium for the browser tests, or install one: `python -m tests.browser.install`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APT = (("apt-get", "update"), ("apt-get", "install", "-y", "chromium"))
PLAYWRIGHT = ((sys.executable, "-m", "playwright", "install", "chromium"),)


def find_chromium() -> str | None:
    """The path of an installed Chromium: `$CHROMIUM`, one on the PATH, or Playwright's own."""
    named = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES)]
    return next((path for path in named if path and Path(path).exists()), _own_chromium())


def _own_chromium() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_chromium() -> None:
    """Install Chromium by the system's package manager where that is allowed, else Playwright's.

    Raises:
        subprocess.CalledProcessError: the installation failed.
    """
    apt = os.geteuid() == 0 and shutil.which("apt-get")
    for command in APT if apt else PLAYWRIGHT:
        subprocess.run(command, check=True)


def main() -> int:
    """Print the path of a Chromium, installing one where there is none."""
    if find_chromium() is None:
        try:
            install_chromium()
        except (subprocess.CalledProcessError, OSError) as error:
            sys.stderr.write(f"Chromium could not be installed: {error}\n")
    path = find_chromium()
    if path is None:
        sys.stderr.write(
            "expected a Chromium for the browser tests. Received: none on this machine. "
            "Fix: install one (apt-get install chromium, or playwright install chromium), "
            "or name one: CHROMIUM=/path/to/chromium make test\n"
        )
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
