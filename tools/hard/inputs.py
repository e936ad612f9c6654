"""A seed and a number → one input: a kind, and the files that it is made of."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from tools.hard.mutate import damaged, damaged_bytes
from tools.hard.programs import Grammar

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from literate import cases, pages  # noqa: E402 (the tests are no package)


class Input(NamedTuple):
    """Files to check, by name; a configuration or a baseline is told by its name."""

    kind: str
    files: Mapping[str, bytes]


class Corpus(NamedTuple):
    """What inputs are made of: the fixtures' programs, notebooks and configurations."""

    programs: tuple[Mapping[str, str], ...]
    texts: tuple[str, ...]
    notebooks: tuple[str, ...]
    configurations: tuple[str, ...]


def made(seed: int, number: int) -> Input:
    """Make an input; the same seed and number make the same."""
    rng = Random(f"{seed}:{number}")  # noqa: S311 (nothing here is a secret)
    kind = rng.choices(tuple(_KINDS), tuple(weight for weight, _ in _KINDS.values()))[0]
    return Input(kind, _KINDS[kind][1](rng, corpus()))


@cache
def corpus() -> Corpus:
    """Read what inputs are made of."""
    found = [case.texts() for page in pages(ROOT / "tests" / "fixtures") for case in cases(page)]
    programs = tuple(_short(texts) for texts in found)
    texts = tuple(text for program in programs for text in program.values())
    return Corpus(programs, texts, _notebooks(texts), _configurations())


def _short(texts: Mapping[str, str]) -> Mapping[str, str]:
    """The files of a case, without the lines that the rest of its page leaves empty."""
    return {path: text.lstrip("\n") for path, text in texts.items()}


def _notebooks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_notebook(texts[start : start + 3]) for start in range(0, 90, 3))


def _notebook(texts: tuple[str, ...]) -> str:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}],
            "source": text.splitlines(keepends=True),
        }
        for text in ("%matplotlib inline\n!ls {x}\nnet?\n", *texts)
    ]
    cells.insert(1, {"cell_type": "markdown", "metadata": {}, "source": "# A title"})
    told = {"language_info": {"name": "python"}}
    document = {"cells": cells, "metadata": told, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1)


def _configurations() -> tuple[str, ...]:
    from evalguard.config.layers import configured
    from evalguard.config.toml import written

    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    fences = page.split("```toml\n")[1:]
    knowledge = (ROOT / "docs" / "knowledge.md").read_text("utf-8").split("```toml\n")[1:]
    blocks = tuple(fence.partition("```")[0] for fence in (*fences, *knowledge))
    return (*blocks, written(configured(isolated=True)))


def _encoded(text: str, rng: Random) -> bytes:
    """Bytes of a text, most often in UTF-8."""
    if rng.random() < 0.9:
        return text.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace")
    encoding = rng.choice(
        ("utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252", "gbk")
    )
    head = f"# coding: {encoding}\n" if rng.random() < 0.7 else ""
    return (head + text).encode(encoding, "replace")


def _source(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    text = damaged(rng.choice(known.texts), rng, known.texts)
    return {"main.py": _encoded(text, rng)}


def _project(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    files = dict(rng.choice(known.programs))
    files |= rng.choice(known.programs) if rng.random() < 0.3 else {}
    hurt = rng.sample(sorted(files), rng.randrange(len(files)) + 1)
    files |= {path: damaged(files[path], rng, known.texts) for path in hurt}
    return {path: _encoded(text, rng) for path, text in files.items()}


def _grammar(rng: Random, _: Corpus) -> Mapping[str, bytes]:
    files = {"main.py": Grammar(rng).program()}
    if rng.random() < 0.3:
        files["net.py"] = Grammar(rng).program()
    return {path: text.encode() for path, text in files.items()}


def _any_notebook(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    raw = rng.choice(known.notebooks)
    if rng.random() < 0.5:
        return {"main.ipynb": _encoded(damaged(raw, rng, known.notebooks), rng)}
    document = json.loads(raw)
    for cell in document["cells"]:
        if rng.random() < 0.5:
            text = damaged("".join(cell["source"]), rng, known.texts)
            cell["source"] = text if rng.random() < 0.3 else text.splitlines(keepends=True)
    return {
        "main.ipynb": json.dumps(document, ensure_ascii=rng.random() < 0.5).encode(
            "utf-8", "replace"
        )
    }


def _configuration(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    text = damaged(rng.choice(known.configurations), rng, known.configurations)
    name = "pyproject.toml" if "[tool.evalguard" in text else "evalguard.toml"
    return {name: _encoded(text, rng), "main.py": rng.choice(known.texts).encode()}


def _noise(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    name = rng.choice(("main.py", "main.ipynb", "evalguard.toml", "baseline.json"))
    if rng.random() < 0.5:
        return {name: rng.randbytes(rng.choice((1, 10, 100, 1000)))}
    return {name: damaged_bytes(rng.choice(known.texts).encode(), rng)}


def _baseline(rng: Random, known: Corpus) -> Mapping[str, bytes]:
    entry = {"path": "main.py", "rule": "train-in-eval", "scope": "f", "code": "net(x)", "count": 1}
    raw = json.dumps({"version": 1, "findings": [entry] * rng.randrange(3)})
    return {
        "baseline.json": _encoded(damaged(raw, rng, (raw,)), rng),
        "main.py": rng.choice(known.texts).encode(),
    }


_KINDS: Mapping[str, tuple[int, Callable[[Random, Corpus], Mapping[str, bytes]]]] = {
    "source": (40, _source),
    "project": (10, _project),
    "program": (18, _grammar),
    "notebook": (12, _any_notebook),
    "configuration": (12, _configuration),
    "bytes": (6, _noise),
    "baseline": (2, _baseline),
}
