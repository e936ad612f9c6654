"""Configuration: which file counts, what it may hold, what is in force, and what is told if not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalguard import cli
from evalguard.check import Options, check_paths
from evalguard.config.files import ConfigError, File, nearest
from evalguard.config.kinds import Wrong
from evalguard.config.layers import Configuration, configured
from evalguard.config.schema import json_schema, written
from evalguard.config.settings import Settings, keys
from evalguard.config.toml import written as shown
from evalguard.finding import Confidence, Severity
from tools import configuration

Write = Callable[[str, str], Path]

LEAK = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
with torch.no_grad():
    print(net(torch.zeros(1, 4)).argmax())
"""
TRAINS = LEAK.replace("with torch", "net.train()\nwith torch")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def write() -> Write:
    def at(path: str, text: str) -> Path:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return at


def found(*paths: str) -> str:
    file = nearest(paths)
    return "" if file is None else os.path.relpath(file.path).replace(os.sep, "/")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    cli.main(["check", "--output-format", "concise", *arguments])
    outcome = capsys.readouterr()
    assert not outcome.err
    return [" ".join(line.split(" ")[:3]) for line in outcome.out.splitlines()]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["check", *arguments]) == 2
    return capsys.readouterr().err.splitlines()[-1]


# Which file counts


def test_the_nearest_file_upwards_counts(write: Write) -> None:
    assert found("a/b/x.py") == ""
    write("pyproject.toml", "[tool.evalguard]\n")
    assert found("a/b/x.py") == found(".") == found() == "pyproject.toml"
    write("a/evalguard.toml", "")
    assert found("a/b/x.py") == "a/evalguard.toml"
    assert found("a") == "a/evalguard.toml"
    assert found("a/b", "c") == "pyproject.toml"


def test_in_one_folder_evalguard_s_own_file_counts(write: Write) -> None:
    write("pyproject.toml", "[tool.evalguard]\n")
    write("evalguard.toml", "")
    assert found("x.py") == "evalguard.toml"


@pytest.mark.parametrize(
    "text", ["", "[tool.other]\n", "[tool]\nx = 1\n", "# evalguard\n", "tool = 'evalguard'\n"]
)
def test_a_pyproject_of_others_is_passed_over(write: Write, text: str) -> None:
    write("evalguard.toml", "")
    write("a/pyproject.toml", text)
    assert found("a/x.py") == "evalguard.toml"


def test_a_broken_pyproject_of_others_is_nobody_s_business_here(write: Write) -> None:
    write("pyproject.toml", "[tool.other\n")
    assert found("x.py") == ""


def test_a_folder_of_that_name_is_no_file() -> None:
    Path("evalguard.toml").mkdir()
    assert found("x.py") == ""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be read")
def test_a_file_that_can_t_be_read_is_told(write: Write) -> None:
    write("evalguard.toml", "").chmod(0)
    with pytest.raises(ConfigError, match=r"evalguard\.toml: can't be read: permission denied"):
        nearest(["x.py"])


def test_a_file_can_be_named_or_none_used(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", TRAINS)
    write("pyproject.toml", '[tool.evalguard]\nignore = ["EG"]\n')
    write("ci/strict.toml", 'select = ["EG2"]\n')
    write("ci/pyproject.toml", '[tool.evalguard]\nignore = ["EG1"]\n')
    assert printed(capsys) == []
    every = printed(capsys, "--isolated")
    assert len(every) > 0
    assert printed(capsys, "--config", "ci/strict.toml") == []
    assert printed(capsys, "--config", "ci/pyproject.toml") == []
    write("ci/strict.toml", "")
    assert printed(capsys, "--config", "ci/strict.toml") == every


def test_a_named_file_must_be_one(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("pyproject.toml", "[tool.other]\n")
    assert refused(capsys, "--config", "no.toml") == "Error: no.toml: no such file"
    assert refused(capsys, "--config", ".") == "Error: .: no such file"
    told = refused(capsys, "--config", "pyproject.toml")
    assert told == "Error: pyproject.toml: it has no table [tool.evalguard]"
    told = refused(capsys, "--config", "pyproject.toml", "--isolated")
    assert told == "Error: --config and --isolated exclude one another"


# What a file may hold


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nmin-confidense = 'likely'\n", "2: unknown key `min-confidense`; did you mean min-conf"),
        ("min_confidence = 'likely'\n", "1: unknown key `min_confidence`; did you mean min-conf"),
        ("zzz = 1", "1: unknown key `zzz`"),
        ("'' = 1", "1: unknown key ``"),
        ("# a\n\nselect = 'EG1'", "3: `select`: must be a list of rules, not 'EG1'"),
        ("select = [\n  'EG1',\n  1,\n]", "1: `select`: must be a list of rules, not ['EG1', 1]"),
        ("src = ['']", "1: `src`: holds an empty string"),
        (
            "ignore = ['frozen-in-trian']",
            "1: `ignore`: unknown rule: frozen-in-trian; did you mean frozen-in-train",
        ),
        ("min-confidence = 'likly'", "1: `min-confidence`: must be one of `possible`, `likely`, "),
        ("min-confidence = 'likly'", "not 'likly'; did you mean likely?"),
        ("min-confidence = 2", "`certain`, not 2"),
        ("jobs = -1", "1: `jobs`: must be a whole number, not below 0, not -1"),
        ("jobs = true", "must be a whole number, not below 0, not true"),
        ("force-exclude = 1", "1: `force-exclude`: must be `true` or `false`, not 1"),
        ("force-exclude = 'true'", "must be `true` or `false`, not 'true'"),
        ("output-format = true", "`rdjson`, not true"),
        ("severity = 1", "1: `severity`: must be a table, not 1"),
        (
            "[severity]\nEG1 = 'note'\n\nEG2 = 'bad'",
            "4: `severity`: what `EG2` has must be one of `note`",
        ),
        ("[severity]\nEG777 = 'note'", "2: `severity`: unknown rule: EG777"),
        (
            "[per-file-ignores]\nx = 'EG1'",
            "2: `per-file-ignores`: what `x` has must be a list of rules",
        ),
        (
            "[knowledge.layer.'a.B']\nx = 1",
            "1: `knowledge`: unknown knowledge table: 'layer'; did you mean 'layers'?",
        ),
        (
            "\n[knowledge.layers.'a.B']\nkind = 'x'\n\n# c\nsensitive = 'often'",
            "6: `knowledge`: knowledge.layers.'a.B': 'sensitive' must be one of yes, no, unknown",
        ),
        (
            "[knowledge.aliases]\n'a.' = { }",
            "2: `knowledge`: knowledge.aliases.'a.' needs 'to'",
        ),
        ("[knowledge.names.evaluatoin]\nwords = []", "did you mean 'evaluation'?"),
        ("knowledge = 1", "must be tables, not 1"),
        ("a = [\n1,\n", "3: not TOML: Invalid value"),
        ("a = 1\na = 2\n", "2: not TOML: Cannot overwrite a value"),
        ("\n\n[broken", "3: not TOML: Expected"),
        ("a = " + "[" * 20000, "nested too deeply"),
        ('"\\u001b[2J\\n" = 1', r"1: unknown key `\x1b[2J\n`"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    write: Write, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    write("evalguard.toml", text)
    message = refused(capsys)
    assert message.startswith("Error: evalguard.toml:")
    assert told in message


def test_the_line_is_that_of_the_whole_pyproject(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        '[project]\nname = """\n[tool.evalguard]\nselect = 1"""\n\n[tool.evalguard]\nselect = 1\n'
    )
    write("pyproject.toml", text)
    assert refused(capsys).startswith("Error: pyproject.toml:7: `select`: must be")
    write("pyproject.toml", "x = 1\n[tool]\nevalguard = 1\n")
    assert refused(capsys) == "Error: pyproject.toml:3: tool.evalguard must be a table"


def test_bytes_that_are_no_text_are_told_with_their_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("evalguard.toml").write_bytes(b"# a\n# \xff\n")
    assert refused(capsys) == "Error: evalguard.toml:2: not text in UTF-8"


def test_files_of_windows_are_files_too() -> None:
    Path("evalguard.toml").write_bytes(b"\xef\xbb\xbfselect = [\r\n'EG1']\r\nfail-on = 'error'\r\n")
    configuration = configured()
    assert configuration.settings == Settings(select=("EG1",), fail_on=Severity.ERROR)
    assert configuration.origin("fail-on") == "evalguard.toml:3"


# What is in force


def test_every_setting_arrives(write: Write, here: Path) -> None:
    write(
        "evalguard.toml",
        """
select = ["EG1"]
extend-select = ["EG203"]
ignore = ["EG101"]
min-confidence = "certain"
exclude = ["a"]
extend-exclude = ["b/*.py"]
force-exclude = true
output-format = "json"
src = ["lib", "../x"]
fail-on = "error"
per-file-ignores = { "tests/**" = ["EG2"], demo = ["EG3"] }
severity = { EG1 = "note" }
knowledge = { layers = { "a.B" = { sensitive = "yes" } } }
""",
    )
    folder = here.as_posix()
    assert configured(["deep/x.py"]).options() == Options(
        select=("EG1", "EG203"),
        ignore=("EG101",),
        min_confidence=Confidence.CERTAIN,
        per_file_ignores={f"{folder}/tests/**": ("EG2",), f"{folder}/**/demo": ("EG3",)},
        severity={"EG1": Severity.NOTE},
        exclude=("a", f"{folder}/b/*.py"),
        force_exclude=True,
        src=(str(here / "lib"), str(here.parent / "x")),
        knowledge={"layers": {"a.B": {"sensitive": "yes"}}},
    )


def test_what_only_adds_rules_leaves_all_others() -> None:
    assert configured(given={"extend-select": ["EG2"]}).options().select == ("EG", "EG2")
    assert configured().options() == Options()


def test_the_command_line_wins_and_adds(write: Write, here: Path) -> None:
    write(
        "evalguard.toml",
        'select = ["EG1"]\nignore = ["EG101"]\nfail-on = "error"\nextend-exclude = ["a"]\n',
    )
    both = configured(given={"ignore": ["EG102"], "fail-on": "note", "extend-exclude": ["./b"]})
    assert both.settings == Settings(
        select=("EG1",),
        ignore=("EG101", "EG102"),
        fail_on=Severity.NOTE,
        extend_exclude=("a", f"{here.as_posix()}/b"),
    )
    assert both.origin("ignore") == "evalguard.toml:2, --ignore"
    assert both.origin("fail-on") == "--fail-on"
    assert both.origin("select") == "evalguard.toml:1"
    assert both.origin("src") == "default"
    afresh = configured(given={"select": ["EG2"]})
    assert (afresh.settings.select, afresh.settings.ignore) == (("EG2",), ())
    assert afresh.settings.fail_on == Severity.ERROR


def test_what_is_shown_would_say_the_same(write: Write) -> None:
    write(
        "evalguard.toml",
        'src = ["a\\u0007\\U0001F600\\"\\\\\\u200b"]\nexclude = []\n[severity]\nEG1 = "note"\n'
        '[per-file-ignores]\n"a b/[ab]*" = ["EG1"]\n[knowledge.layers."x.Y"]\n'
        'sensitive = "yes"\nunless = [{ arg = "p", above = 0.5 }, { arg = "q", equals = false }]\n',
    )
    first = configured()
    write("evalguard.toml", shown(first))
    assert configured().settings == first.settings
    assert shown(first).isprintable() or all(
        line.isprintable() for line in shown(first).split("\n")
    )


def test_the_command_shows_values_and_origins(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("pyproject.toml", "[tool.evalguard]\n# c\nfail-on = 'note'\n")
    write("a/evalguard.toml", "ignore = ['EG1']\n")
    assert cli.main(["config", "--select", "EG2,EG301"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# configuration file: pyproject.toml"
    assert 'select = ["EG2", "EG301"]  # --select' in lines
    assert 'fail-on = "note"  # pyproject.toml:3' in lines
    assert 'min-confidence = "likely"  # default' in lines
    assert len(lines) == 1 + len(keys())
    assert cli.main(["config", "a/b.py"]) == 0
    assert 'ignore = ["EG1"]  # a/evalguard.toml:1' in capsys.readouterr().out
    assert cli.main(["config", "--isolated"]) == 0
    assert capsys.readouterr().out.startswith("# no configuration file\n")


# What settings do


def test_rules_and_severities(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", TRAINS)
    (line,) = printed(capsys)
    code = line.split(" ")[1]
    write("evalguard.toml", f'ignore = ["{code}"]\n')
    assert printed(capsys) == []
    assert printed(capsys, "--select", code) == [line]
    write("evalguard.toml", f'severity = {{ EG = "error", {code} = "note" }}\n')
    assert cli.main(["check"]) == 0
    assert "note[" in capsys.readouterr().out
    write("evalguard.toml", f'severity = {{ EG = "error", {code} = "note" }}\nfail-on = "note"\n')
    assert cli.main(["check"]) == 1


@pytest.mark.parametrize(
    ("pattern", "silent"),
    [
        ("x.py", ["x.py", "a/x.py", "a/b/x.py"]),
        ("./x.py", ["x.py"]),
        ("a", ["a/x.py", "a/b/x.py"]),
        ("a/**", ["a/x.py", "a/b/x.py"]),
        ("a/*.py", ["a/x.py", "a/b/x.py"]),
        ("a/b/", ["a/b/x.py"]),
        ("**/b/*.py", ["a/b/x.py"]),
        ("**/x.py", ["x.py", "a/x.py", "a/b/x.py"]),
        ("a/?.py", ["a/x.py"]),
        ("a/[!y].py", ["a/x.py"]),
        ("a/[w-y].py", ["a/x.py"]),
        ("a/[z-w].py", []),
        ("project/a", []),
        ("b?", []),
    ],
)
def test_patterns(
    write: Write, capsys: pytest.CaptureFixture[str], pattern: str, silent: list[str]
) -> None:
    files = ["a/b/x.py", "a/x.py", "x.py"]
    for path in files:
        write(path, TRAINS)
    told = [file for file in files if file not in silent]
    for key in (
        f'per-file-ignores = {{ "{pattern}" = ["EG"] }}',
        f'extend-exclude = ["{pattern}"]',
    ):
        write("evalguard.toml", key)
        assert [line.split(":")[0] for line in printed(capsys, "-q")] == told
        absolute = str(Path.cwd())
        assert len(printed(capsys, "-q", absolute)) == len(told)


def test_patterns_are_seen_from_their_file(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("evalguard.toml", 'exclude = ["a/x.py"]\n[per-file-ignores]\n"a/y.py" = ["EG"]\n')
    for path in ("a/x.py", "a/y.py", "a/a/x.py", "a/a/y.py"):
        write(path, TRAINS)
    monkeypatch.chdir("a")
    found = [line.split(":")[0].replace(os.sep, "/") for line in printed(capsys)]
    assert found == ["a/x.py", "a/y.py"]
    assert printed(capsys, "--extend-exclude", "./a") == []


def test_what_is_given_is_checked_unless_forced_out(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("third/x.py", TRAINS)
    write("evalguard.toml", 'extend-exclude = ["third"]\n')
    assert printed(capsys, "-q") == []
    assert len(printed(capsys, "third/x.py")) == 1
    assert printed(capsys, "-q", "--force-exclude", "third/x.py") == []
    assert printed(capsys, "-q", "--force-exclude", "third") == []
    assert printed(capsys, "-q", "--force-exclude", str(Path("third/x.py").absolute())) == []


def test_what_git_lists_is_excluded_the_same_way(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("a/x.py", "b/x.py", "c/y.py", "build/x.py"):
        write(path, TRAINS)
    subprocess.run(["git", "init", "-q"], check=True)
    write("evalguard.toml", 'extend-exclude = ["./a", "y.*"]\n')
    assert [line.split(":")[0] for line in printed(capsys)] == ["b/x.py"]
    write("evalguard.toml", 'exclude = ["./a", "y.*"]\n')
    assert [line.split(":")[0] for line in printed(capsys)] == ["b/x.py", "build/x.py"]


NET = "import torch.nn as nn\n\n\nclass Net(nn.Linear):\n    pass\n"
SCRIPT = """\
import torch
from nets import Net

net = Net(4, 4)
net.train()
with torch.no_grad():
    print(net(torch.zeros(4)).argmax())
"""


def test_src_tells_where_imports_start(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("code/python/nets.py", NET)
    write("tools/run.py", SCRIPT)
    assert len(printed(capsys)) == 1
    write("evalguard.toml", 'src = ["code/python"]\n')
    for path in (".", "tools/run.py", str(Path.cwd()), str(Path("tools/run.py").absolute())):
        assert printed(capsys, path) == []
    write("tools/nets.py", NET.replace("Linear", "Dropout"))
    assert len(printed(capsys)) == 1


def test_src_may_lie_outside_of_the_project(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("../common/nets.py", NET)
    write("run.py", SCRIPT)
    assert len(printed(capsys)) == 1
    write("evalguard.toml", 'src = ["../common"]\n')
    for path in (".", "run.py", str(Path.cwd())):
        assert printed(capsys, path) == []


def test_the_first_of_src_counts(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("a/nets.py", NET)
    write("b/nets.py", NET.replace("Linear", "Dropout"))
    write("tools/run.py", SCRIPT)
    write("evalguard.toml", 'src = ["a", "b"]\n')
    assert printed(capsys) == []
    write("evalguard.toml", 'src = ["b", "a"]\n')
    assert len(printed(capsys)) == 1


def test_knowledge_is_used(write: Write) -> None:
    text = LEAK.replace("nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))", "mylib.load_net()")
    write("x.py", text.replace("import torch\n", "import torch\nimport mylib\n", 1))
    assert check_paths(["x.py"]).findings == ()
    write(
        "evalguard.toml",
        '[knowledge.factories."mylib.load_*"]\nmode = "train"\nsensitive = "yes"\n',
    )
    assert len(check_paths(["x.py"], configured().options()).findings) == 1


OPAQUE = """\
import importlib


def load_net(name):
    return importlib.import_module(name).make()


def settle(net):
    SETTLED[net.name](net)
"""
OPAQUE_USER = """\
import torch
{imports}

net = {prefix}load_net("x")
{settle}
with torch.no_grad():
    print(net(torch.zeros(4)).argmax())
"""


@pytest.mark.parametrize(
    ("imports", "prefix"),
    [
        ("from lib.zoo import load_net, settle", ""),
        ("from lib.zoo import *", ""),
        ("from lib import zoo", "zoo."),
        ("import lib.zoo as z", "z."),
    ],
)
def test_knowledge_counts_for_functions_of_the_project(
    write: Write, capsys: pytest.CaptureFixture[str], imports: str, prefix: str
) -> None:
    factory = '[knowledge.factories."lib.zoo.load_*"]\nmode = "train"\nsensitive = "yes"\n'
    switch = '[knowledge.switches."zoo.settle"]\nmode = "eval"\n'
    write("lib/zoo.py", OPAQUE)
    plain = OPAQUE_USER.format(imports=imports, prefix=prefix, settle="")
    write("run.py", plain)
    assert printed(capsys) == []
    write("evalguard.toml", factory)
    for path in (".", "run.py"):
        assert len(printed(capsys, path)) == 1
    write(
        "run.py", OPAQUE_USER.format(imports=imports, prefix=prefix, settle=f"{prefix}settle(net)")
    )
    write("evalguard.toml", factory + switch)
    for path in (".", "run.py"):
        assert printed(capsys, path) == []


# The schema and the page


def test_the_page_and_the_schema_are_current() -> None:
    page = configuration.PAGE.read_text(encoding="utf-8")
    assert configuration.rewritten(page) == page, "run python -m tools.configuration"
    assert configuration.SCHEMA.read_text(encoding="utf-8") == written()


def test_the_command_writes_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--schema"]) == 0
    assert capsys.readouterr().out == written()


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", keys())
def test_the_examples_are_accepted_by_both(write: Write, name: str) -> None:
    write("evalguard.toml", f"{name} = {keys()[name].example}\n")
    file = configured().file
    assert file is not None
    jsonschema.validate(dict(file.values), json_schema())


def test_the_page_s_examples_are_right(write: Write) -> None:
    page = configuration.PAGE.read_text(encoding="utf-8")
    for example in re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL):
        shared = "[tool.evalguard" in example
        file = write("pyproject.toml" if shared else "evalguard.toml", example)
        assert configured(config=str(file)).file is not None


WORDS = st.sampled_from(["EG1", "EG101", "frozen-in-train", "EG999", "likely", "note", "json", "x"])
VALUES: st.SearchStrategy[Any] = st.one_of(
    WORDS,
    st.booleans(),
    st.integers(-1, 2),
    st.lists(WORDS, max_size=2),
    st.dictionaries(WORDS, st.one_of(WORDS, st.lists(WORDS, max_size=2)), max_size=2),
)


@given(name=st.sampled_from([*keys(), "selekt"]), value=VALUES)
def test_the_schema_and_the_reader_agree(name: str, value: Any) -> None:
    says = list(jsonschema.Draft7Validator(json_schema()).iter_errors({name: value}))
    key = keys().get(name)
    try:
        fits = key is not None and key.kind.read(value, "/") is not None
    except Wrong:
        fits = False
    assert fits is not bool(says)


FIELDS = st.sampled_from(
    ["mode", "sensitive", "unless", "to", "words", "methods", "argument", "position", "module"]
)
CONDITION = st.dictionaries(
    st.sampled_from(["arg", "equals", "above", "matches", "default", "given"]),
    st.one_of(WORDS, st.integers(-1, 2), st.booleans(), st.lists(WORDS, max_size=1)),
    max_size=3,
)
ENTRIES: st.SearchStrategy[Any] = st.dictionaries(
    FIELDS,
    st.one_of(
        st.sampled_from(["eval", "train", "yes", "mylib."]),
        st.integers(-1, 2),
        st.booleans(),
        st.lists(CONDITION, max_size=2),
        st.dictionaries(st.just("f"), st.dictionaries(FIELDS, st.just("eval"), max_size=1)),
    ),
    max_size=3,
)
TABLES = st.dictionaries(
    st.sampled_from(["layers", "factories", "switches", "aliases", "names", "hooks", "contexts"]),
    st.dictionaries(
        st.sampled_from(["", "mylib.*", "mylib.[", "mylib.load_net", "evaluation", "."]), ENTRIES
    ),
    max_size=2,
)


@given(tables=TABLES)
def test_knowledge_that_is_accepted_can_be_used(tables: dict[str, Any]) -> None:
    says = list(jsonschema.Draft7Validator(json_schema()).iter_errors({"knowledge": tables}))
    try:
        read = keys()["knowledge"].kind.read(tables, "/")
    except Wrong:
        assert says
        return
    assert not says
    text = f"import torch\nimport mylib\nnet = mylib.load_net(0.5, p=1)\n{LEAK}"
    Path("x.py").write_text(text, encoding="utf-8")
    assert check_paths(["x.py"], Options(knowledge=read)).errors == ()


# What it costs


def modules_after(*arguments: str) -> set[str]:
    program = "import sys; from evalguard.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program, "check", "-q", *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return set(done.stdout.split())


def test_toml_is_read_only_if_there_is_some(write: Write) -> None:
    write("x.py", "x = 1\n")
    write("pyproject.toml", "[tool.other]\n")
    assert "tomllib" not in modules_after()
    write("pyproject.toml", "[tool.evalguard]\n")
    assert modules_after() & {"tomllib", "tomli"}


def test_the_settings_are_options_or_told_otherwise() -> None:
    """What checks are told and what isn't theirs is all there is."""
    others = {"extend_select", "extend_exclude", "output_format", "fail_on", "baseline", "jobs"}
    assert set(Settings.__dataclass_fields__) == set(Options.__dataclass_fields__) | others


def test_a_line_is_found_at_every_depth() -> None:
    text = 'a = [\n 1,\n]\n\n[b.c]\n# x\nd = """\n[e]\n"""\n[e]\nf.g = 1\n'
    file = File("/x", text, (), {})
    lines = [file.line(*keys.split()) for keys in ("a", "b", "b c", "b c d", "e f g", "e f h", "z")]
    assert lines == [1, 5, 5, 7, 11, 11, 0]


def test_a_line_is_found_soon() -> None:
    before = "".join(f"[a{number}]\nx = 1\n" for number in range(5000))
    file = File("/x", f"{before}[tool.evalguard]\nselect = 1\n", ("tool", "evalguard"), {})
    start = time.perf_counter()
    assert file.line("select") == 10002
    assert time.perf_counter() - start < 1, "30 ms on an idle machine"


def test_a_configuration_may_be_empty() -> None:
    assert isinstance(configured(), Configuration)
    assert json.loads(written())["properties"].keys() == keys().keys()
