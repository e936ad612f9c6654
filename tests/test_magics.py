"""IPython's dialect: what becomes Python, held against IPython itself, and that nothing moves."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from evalguard.source.magics import of_cell, of_script

LINES = (
    "x = net(y)",
    "for x in loader:\n    net(x)",
    "%matplotlib inline",
    "for x in y:\n    %matplotlib inline",
    "if quiet:\n    !nvidia-smi",
    "!pip install -q torch",
    "!pip install \\\n    torch \\\n    timm",
    "!echo 'it''s' ( [ {",
    "%run -i train.py --lr=1",
    "%load_ext autoreload\n%autoreload 2",
    "%time out = net(x)",
    "%timeit -n 10 -r3 net(x)",
    "%timeit for x in range(3): net(x)",
    "%time",
    "out = %time net(x)",
    "files = !ls *.pt",
    "a, b = %sql select",
    "table['x'] = !cat x",
    "?net",
    "net.eval?",
    "net??",
    "np.*load*?",
    "text = '''\n%matplotlib inline\n!ls\nwhat?\n'''",
    'text = f\'{x}\' """\n?net\n"""',
    "x = (a\n% b)",
    "x = [\n    1,  # really?\n]",
    "print('100 %' % x)  # = %d",
    "x = y \\\n    % z",
    "d['a=b'] = '= %s' % x",
    "# what?\nx = 1",
    "x = 'a' if y else '?'",
    "time = 3\ntime -1",
    "ls = [1]\nls[0]",
    "%%time\nnet(x)",
    "%%capture out\n%%time\nnet(x)\n!ls",
    "\n\n%%timeit -n 3\nnet(x)",
    "%%bash\nls (\nif [ $x ]; then",
    "%%html\n<b>bold</b>",
    "%%writefile net.py\nnet.eval(",
    "%%!\nls (",
    "await net(x)",
    "async with net as x:\n    await x",
    "plt.plot(x);",
    "",
    "\n",
    "# nothing",
)
"""Cells as people write them, each Python once IPython has had it."""


def shape(text: str) -> list[int]:
    return [len(line) for line in text.split("\n")]


def is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("cell", LINES)
def test_what_ipython_can_run_becomes_python(cell: str) -> None:
    assert is_python(TransformerManager().transform_cell(cell))
    assert is_python(of_cell(cell))


@pytest.mark.parametrize("cell", LINES)
def test_nothing_moves(cell: str) -> None:
    kept = of_cell(cell)
    assert kept.count("\n") == cell.count("\n")
    for before, after in zip(cell.split("\n"), kept.split("\n"), strict=True):
        assert after in {"", before} or len(after) == len(before)
        for word in re.finditer(r"[a-z]\w+", after):
            assert before.startswith(word[0], word.start())


@pytest.mark.parametrize("cell", [cell for cell in LINES if is_python(cell)])
def test_python_is_left_alone(cell: str) -> None:
    assert of_cell(cell) == cell


@given(st.lists(st.sampled_from([line for line in LINES if "%%" not in line]), max_size=6))
def test_lines_don_t_disturb_each_other(lines: list[str]) -> None:
    assert is_python(of_cell("\n".join(lines)))


@given(st.text(st.sampled_from("%!?=ab.\n\\'\"#([])f {}"), max_size=40))
def test_anything_keeps_its_lines_and_python_is_left_alone(text: str) -> None:
    kept = of_cell(text)
    assert kept.count("\n") == text.count("\n")
    if is_python(text):
        assert kept == text


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("  %matplotlib inline", "  0" + " " * 17),
        ("!pip install \\\n  torch\nx", "0" + " " * 13 + "\n\nx"),
        ("%time net(x)", "0;    net(x)"),
        ("  %timeit -n 10 -r3 net(x)", "  0;" + " " * 16 + "net(x)"),
        ("out = %time net(x)", "out =       net(x)"),
        ("files = !ls *.pt", "files = _       "),
        ("%%capture\nnet(x)", "\nnet(x)"),
        ("%%bash\nls\ncd", "\n\n"),
        ("pip install torch", "0" + " " * 16),
        ("cd ..\nrm -rf x", "0    \n0       "),
        ("pdb on", "0     "),
        ("net?", "0   "),
    ],
)
def test_what_is_kept(cell: str, kept: str) -> None:
    assert of_cell(cell) == kept


SCRIPT = """\
import torch
# %matplotlib inline
# %% [markdown]
# What?
# %% Train
%matplotlib inline
net = Net()
# %%
%%bash
ls (
#%%
%%time
net(x)
"""


def test_a_script_of_cells() -> None:
    assert of_script(SCRIPT) == (
        "import torch\n# %matplotlib inline\n# %% [markdown]\n# What?\n# %% Train\n"
        "0                 \nnet = Net()\n# %%\n\n\n#%%\n\nnet(x)\n"
    )


def test_a_script_without_cells_is_python() -> None:
    assert of_script("%matplotlib inline\n") == "%matplotlib inline\n"
    plain = SCRIPT[: SCRIPT.index("%matplotlib inline\nnet")]
    assert of_script(plain) == plain
