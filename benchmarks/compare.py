"""Files → evalguard's time beside that of other tools on the same files, in one run, as ratios.

``python -m benchmarks.fetch`` brings files and tools. Commands take turns; what is told is the
median, with the least and the most. Each section is a function.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from benchmarks import grown
from benchmarks.clock import Command, Row, Spread, by_turns, exponent
from benchmarks.reading import evenly
from benchmarks.tools import Tools
from evalguard.discover import discover

SWITCH = re.compile(rb"\.eval\(\)|\.train\(|no_grad\(")
SMALL = 8_000
E9 = "ruff check --select=E9"
JOBS = {1: "evalguard check --jobs=1", 2: "evalguard check --jobs=2"}
START, END = "<!-- speed:start -->", "<!-- speed:end -->"


class Bench:
    """The files, the tools, and what a run is asked for."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self.folders: list[str] = options.folders
        self.turns: int = options.turns
        self.sample: int = options.sample
        self.quick: bool = options.quick
        self.tools = Tools(options.tools)
        self.work = work
        self.files = discover(self.folders).files
        self.torch = [path for path in self.files if b"torch" in Path(path).read_bytes()]

    def listed(self, name: str, files: Sequence[str]) -> Path:
        """A file that lists files."""
        path = self.work / f"{name}.txt"
        path.write_text("\n".join(files), encoding="utf-8")
        return path

    def copied(self, name: str, files: Sequence[str]) -> Path:
        """A tree of its own of some files."""
        home = self.work / name
        for number, path in enumerate(files):
            target = home / f"{number:05}" / Path(path).name
            target.parent.mkdir(parents=True)
            shutil.copy2(path, target)
        return home

    def planted(self, name: str, files: Sequence[str]) -> dict[str, Path]:
        """Copies of some files that lie to one another as these do."""
        common = os.path.commonpath([os.path.abspath(folder) for folder in self.folders])
        copies = {path: self.work / name / os.path.relpath(path, common) for path in files}
        for path, target in copies.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        return copies

    def run(self, commands: Sequence[Command]) -> dict[str, Row]:
        """Time commands by turns; they are found again by their names."""
        return {row.command.name: row for row in by_turns(commands, self.turns)}


def cold(bench: Bench) -> Iterator[str]:
    """The whole corpus with nothing kept from before."""
    tools, torch = bench.tools, bench.torch
    sample = evenly(torch, bench.sample)
    scale = size_of(torch) / size_of(sample)
    rows = bench.run([
        *(tools.evalguard(bench.folders, f"--jobs={n}", name=name) for n, name in JOBS.items()),
        tools.parser("libcst", bench.listed("sample", sample), "libcst.parse_module", scale),
        tools.parser("ast", bench.listed("torch", torch), "ast.parse, the same files"),
        tools.parser("ast", bench.listed("all", bench.files), "ast.parse"),
        tools.ruff(bench.folders, "--no-cache", name="ruff check --no-cache"),
    ])  # fmt: skip
    yield f"{told(bench.files)}; {told(torch)} of them mention torch, which libcst is given."
    if len(sample) < len(torch):
        yield f"libcst reads {len(sample)} of these, evenly spaced; its time is scaled by size."
    yield from table(rows.values())
    mine, shared = (rows[name] for name in JOBS.values())
    yield goal(mine.over(rows["libcst.parse_module"]), "libcst.parse_module", 0.3)
    yield goal(mine.over(rows["ruff check --no-cache"]), "ruff check --no-cache", 8)
    yield at_least(mine.over(shared, "wall"), "One process", 1.7)


def switches(bench: Bench) -> Iterator[str]:
    """Against TorchFix: on a whole tree, and on files that all hold switches."""
    some = evenly(bench.files, bench.sample)
    holding = [path for path in bench.torch if SWITCH.search(Path(path).read_bytes())]
    chosen = evenly(holding, bench.sample)
    for name, files, wanted in (("any", some, 100), ("switches", chosen, 25)):
        if not files:
            continue
        tree = bench.copied(name, files)
        rows = bench.run([bench.tools.evalguard([tree]), bench.tools.torchfix([tree])])
        what = "of the tree, evenly spaced" if name == "any" else "that hold switches"
        yield f"{told(files)} {what}:"
        yield from table(rows.values())
        yield at_least(rows["TorchFix"].over(rows["evalguard check"]), "TorchFix", wanted)


def one(bench: Bench) -> Iterator[str]:
    """One small file, as an editor or a hook calls it."""
    by_size = sorted(bench.torch, key=lambda path: abs(Path(path).stat().st_size - SMALL))
    chosen = bench.copied("one", by_size[:1])
    (path,) = [*chosen.rglob("*.py")]
    tools = bench.tools
    again = tools.evalguard([path], name="evalguard check, again", kept=bench.work / "one-kept")
    commands = [tools.evalguard([path]), again, tools.flake8([path]), tools.python_alone()]
    bench.run(commands)  # what Python compiles once, it has
    rows = bench.run(commands)
    yield f"One file of {path.stat().st_size:,} bytes, alone in its folder:"
    yield from table(rows.values())
    yield goal(rows["evalguard check"].over(rows["flake8"]), "flake8", 0.5)
    start = rows["python -c pass"]
    yield goal(rows[again.name].over(start), "the start of Python, with its result kept", 8)
    first = rows["evalguard check"].over(start)
    yield f"To the start of Python, with nothing kept: {first.told('.1f')}."


def warm(bench: Bench) -> Iterator[str]:
    """Again, with nothing changed, and with one file changed."""
    files = bench.files[:10_000]
    copies, tree = bench.planted("warm", files), bench.work / "warm"
    some = [copies[path] for path in bench.torch if path in copies] or [*copies.values()]
    edit = partial(changed, some[len(some) // 2])
    commands = [
        bench.tools.evalguard([tree], kept=bench.work / "kept"),
        bench.tools.ruff([tree], f"--cache-dir={bench.work / 'ruff'}", "--select=E9", name=E9),
    ]
    by_turns(commands, 1)
    same = bench.run(commands)
    other = bench.run([replace(each, before=edit) for each in commands])
    for rows, what in ((same, "nothing changed"), (other, "one file changed")):
        yield f"{told(files)}, {what}:"
        yield from table(rows.values())
        mine, ruff = rows["evalguard check"], rows[E9]
        if rows is same:
            yield goal(mine.over(ruff), E9, 3)
        yield f"To {E9} by wall time: {mine.over(ruff, 'wall').told('.2f')}."


def changed(path: Path) -> None:
    """Put a comment at the end of a file, as if a second after it was changed last."""
    before = path.stat().st_mtime_ns
    with path.open("ab") as file:
        file.write(b"\n# changed\n")
    os.utime(path, ns=(before, before + 10**9))


def growth(bench: Bench) -> Iterator[str]:
    """How time and memory grow with the size of a file, and with the number of files."""
    sizes = [1, 10, 100] if bench.quick else [1, 10, 100, 300, 1000]
    counts = [3, 10] if bench.quick else [100, 300, 1000, 3000, 10_000]
    files = [(1000 * n, grown.file(bench.work / f"kb{n}" / "net.py", 1000 * n)) for n in sizes]
    trees = [(n, grown.tree(bench.work / f"files{n}", n)) for n in counts]
    yield from _growth(bench, "bytes", files)
    yield from _growth(bench, "files", trees)


def _growth(bench: Bench, unit: str, paths: Sequence[tuple[int, Path]]) -> Iterator[str]:
    commands = [bench.tools.evalguard([path], name=f"{size:,} {unit}") for size, path in paths]
    rows = [*bench.run(commands).values()]
    yield from table(rows)
    start = min(row.spread().middle for row in rows)
    more = [(n, row.spread().middle - start) for (n, _), row in zip(paths, rows, strict=True)]
    more = [(n, seconds) for n, seconds in more if seconds > start / 10]
    if len(more) > 1:
        power = exponent(*zip(*more, strict=True))
        yield f"Above the start of the process, time grows with the power {power:.2f} of {unit}."


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The times of commands, one to a line."""
    lines = ["| | processor, s | wall, s | peak, MB |", "|---|--:|--:|--:|"]
    for row in rows:
        times = [row.spread(what).told(".2f") for what in ("cpu", "wall")]
        peak = row.spread("peak").most
        cells = [row.command.name, *times, f"{peak:.0f}" if peak else "small"]
        lines.append(f"| {' | '.join(cells)} |")
    yield "\n".join(lines)


def goal(ratio: Spread, other: str, wanted: float) -> str:
    """Tell a ratio, and whether it is what it should be."""
    verdict = "reached" if ratio.middle <= wanted else "**not reached**"
    return f"To {other}: {ratio.told('.2f')}; the goal is {wanted:g}: {verdict}."


def at_least(ratio: Spread, other: str, wanted: float) -> str:
    """Tell how many times as long another takes, and whether it is what it should be."""
    verdict = "reached" if ratio.middle >= wanted else "**not reached**"
    return f"{other} takes {ratio.told('.1f')} times as long; the goal is {wanted:g}: {verdict}."


def size_of(files: Sequence[str]) -> int:
    """The bytes of some files together."""
    return sum(Path(path).stat().st_size for path in files)


def told(files: Sequence[str]) -> str:
    """How many files, and how much of them."""
    return f"{len(files):,} files ({size_of(files) / 1e6:.1f} MB)"


SECTIONS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "cold": cold, "switches": switches, "one": one, "warm": warm, "growth": growth,
}  # fmt: skip


def heading(bench: Bench) -> str:
    """What was measured, when, where and with what."""
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    versions = [f"{tool} {bench.tools.version(tool)}" for tool in ("ruff", "flake8", "libcst")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{day}, evalguard {bench.tools.built}, Python {platform.python_version()}, "
        f"{', '.join(versions)}, TorchFix "
        f"{bench.tools.version('torchfix')}; {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()}. Median of {bench.turns}, with the least and the most."
    )


def report(bench: Bench, names: Sequence[str]) -> str:
    """Run sections, and tell what came of them."""
    parts = [heading(bench)]
    for name in names:
        section = SECTIONS[name]
        print(f"{name} ...", file=sys.stderr)
        parts += [f"## {(section.__doc__ or '').rstrip('.')}", *section(bench)]
    return "\n\n".join(parts) + "\n"


def between(page: str, text: str) -> str:
    """A page with a text between its marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{text}{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="DIR", help="folders of files")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=[*SECTIONS])
    parser.add_argument("--turns", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--sample", type=int, default=500, metavar="N", help="give slow tools N files; 0: all"
    )
    parser.add_argument("--tools", type=Path, metavar="DIR", help="where `fetch` put the tools")
    parser.add_argument("--quick", action="store_true", help="grow less far")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put it into a page, too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        text = report(Bench(options, Path(work)), options.sections)
    print(text)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(between(page, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
