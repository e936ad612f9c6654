"""The command that holds evalguard to what torch does, on generated programs.

``python -m tools.truth --programs 10000 --seed 1`` prints a table, and what torch refutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from truth.law import Outcome  # noqa: E402 (the tests are no package)
from truth.reduce import reduced  # noqa: E402
from truth.tally import Case, Tally, case_of, generated, shows  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as many programs as asked for; 1 if a belief is refuted."""
    options = _parser().parse_args(arguments)
    tally = Tally()
    seeds = range(options.seed, options.seed + options.programs)
    with suppress(KeyboardInterrupt):  # what was run until then counts
        for case in _cases(seeds, options.gaps, options.jobs):
            tally.add(case)
            for outcome in options.show:
                _tell(case, Outcome(outcome), options.reduce)
    sys.stdout.write(f"{tally.table()}\n")
    return int(tally.refuted > 0)


def _cases(seeds: Sequence[int], gaps: bool, jobs: int) -> Iterator[Case]:
    """The programs of some seeds, in order, by several processes if asked for."""
    if jobs < 2:
        yield from generated(seeds, gaps)
        return
    with Pool(jobs, signal, (SIGINT, SIG_IGN)) as pool:  # an interrupt ends this one only
        yield from pool.imap(partial(case_of, gaps=gaps), seeds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.truth", description=__doc__)
    parser.add_argument("--programs", type=int, default=1000, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first one's; they count up")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at once")
    parser.add_argument("--gaps", action="store_true", help="with shapes known to go wrong")
    parser.add_argument("--reduce", action="store_true", help="show the smallest such program")
    parser.add_argument(
        "--show", action="append", default=["refuted"], choices=[each.value for each in Outcome],
        help="tell such sites, besides those that are refuted (repeatable)",
    )  # fmt: skip
    return parser


def _tell(case: Case, outcome: Outcome, reduce: bool) -> None:
    told = case.told(outcome)
    if not told:
        return
    if reduce:
        smallest = reduced(case.text, lambda text: shows(text, outcome))
        sys.stdout.write(f"{told[0]}\n{smallest}\n")
    else:
        sys.stdout.write("\n".join(told) + "\n")


if __name__ == "__main__":
    sys.exit(main())
