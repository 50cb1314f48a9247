"""Take the guide's pictures anew: `make pictures`. Needs Chromium; writes the PNG files beside this script."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAIL = "emails/exercise-2/right/index.html"
DARK = "--blink-settings=preferredColorScheme=0"  # Chromium's own switch: 0 is dark, 1 is light
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
)


def main() -> None:
    """Build the example and photograph one mail, light and dark."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium here: install it, then run this again")
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder) / "dist"
        subprocess.run(
            [sys.executable, "-m", "funnel", "-q", "build", "--out", str(dist)], check=True, stdout=subprocess.DEVNULL
        )
        for name, scheme in (("exercise", "--blink-settings=preferredColorScheme=1"), ("exercise-dark", DARK)):
            profile = Path(folder) / name
            subprocess.run(
                [
                    browser,
                    *QUIET,
                    scheme,
                    "--window-size=700,1060",
                    f"--user-data-dir={profile}",
                    f"--screenshot={HERE / name}.png",
                    (dist / MAIL).as_uri(),
                ],
                check=True,
                capture_output=True,
            )


if __name__ == "__main__":
    main()
