"""Measure everything: ``python -m benchmarks [--quick] [--only NAME]`` prints one table."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from benchmarks.figure import Figure, markdown

NAMES = (
    *("start", "echo", "people", "conversation", "search", "incoming", "first_sync", "resources"),
)


def main() -> None:
    """Run the modules of the figures, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--only", choices=NAMES, action="append", help="these figures alone")
    options = parser.parse_args()
    found: list[Figure] = []
    for name in options.only or NAMES:
        begin = time.monotonic()
        found += importlib.import_module(f"benchmarks.{name}").figures(options.quick)
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    print(markdown(found))


if __name__ == "__main__":
    main()
