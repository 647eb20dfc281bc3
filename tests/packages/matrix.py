"""The wheel on each version of Python that is installed: `python -m tests.packages.matrix`."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.packages.installed import ROOT, check_installed, read_versions


def main() -> None:
    """Build, and check each; exits with 1 where one is missing."""
    missing = []
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        wheel = next(Path(folder).glob("*.whl"))
        for version in read_versions():
            python = shutil.which(f"python{version}")
            # What stands for a version that is not installed is no Python either.
            if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
                missing.append(version)
                continue
            place = Path(folder) / version
            place.mkdir()
            check_installed(python, wheel, place)
            print(f"Python {version}: installs, answers DNS and HTTP")
    if missing:
        sys.exit(f"not installed here: Python {', '.join(missing)}")


if __name__ == "__main__":
    main()
