"""The Chromium of this machine, which the browser tests and the pictures drive; nothing is downloaded.

python -m tests.browser     says whether there is one, and a font with Chinese
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
INSTALL = "On Debian and Ubuntu, as root: apt-get install chromium fonts-noto-cjk"


def chromium() -> str | None:
    """The program: what CHROMIUM names, else the first known one on the path or in its usual place; None without any."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = (shutil.which(name) for name in NAMES)
    return next((found for found in on_path if found), next((place for place in PLACES if Path(place).is_file()), None))


def writes_chinese() -> bool | None:
    """Whether fontconfig knows a font with Chinese; None where there is no fontconfig to ask (macOS and Windows bring one)."""
    if not shutil.which("fc-list"):
        return None
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout.strip())


def main() -> int:
    """0 when the browser tests can run; 1 with one sentence on what to install."""
    if chromium() is None:
        print(f"The browser tests need Chromium, and there is none here (CHROMIUM names one elsewhere). {INSTALL}", file=sys.stderr)
        return 1
    if writes_chinese() is False:
        print(f"No font with Chinese: pages will show boxes. {INSTALL}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
