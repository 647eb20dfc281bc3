"""Fuzz one target with atheris, guided by coverage: slow, and no part of the test run.

    pip install atheris
    python -m tests.fuzz.run guard -max_total_time=600

What it finds new goes into tests/fuzz/corpus/<target>, which the test run replays.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dnsregistry"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    """Run the target that the first argument names; the others are libFuzzer's."""
    name, *options = sys.argv[1:]
    corpus = CORPUS / name
    corpus.mkdir(exist_ok=True)
    atheris.Setup([sys.argv[0], str(corpus), *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
