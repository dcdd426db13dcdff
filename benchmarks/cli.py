"""The command line."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import write_report
from benchmarks.suites import SUITES
from benchmarks.suites.settings import Settings


def main(arguments: Sequence[str]) -> int:
    """Run suites and write their results; returns the exit code."""
    options = _parser().parse_args(arguments)
    settings = Settings(out=options.out, quick=options.quick, fresh=options.fresh)
    documents = {}
    for name in () if options.report else options.suite or SUITES:
        # A suite is imported when it runs: --help needs neither torch nor the package.
        documents[name] = importlib.import_module(f"benchmarks.suites.{name}").run(settings).document
    report = write_report(settings)
    print(json.dumps(documents) if options.json else report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed of qaml-qiskit beside its peers, in one run. Finished rows are kept; run it again to go on.",
    )
    parser.add_argument("suite", nargs="*", type=_suite, help=f"any of {', '.join(SUITES)}; without any, all of them")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try the program; the numbers mean nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the tables")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report of what is there")
    parser.add_argument("--fresh", action="store_true", help="measure again what is already there")
    parser.add_argument(
        "--out", type=Path, default=Path("build/benchmarks"), help="folder of the results (%(default)s)"
    )
    return parser


def _suite(name: str) -> str:
    if name not in SUITES:
        raise argparse.ArgumentTypeError(f"there is no suite {name!r}; choose from {', '.join(SUITES)}")
    return name
