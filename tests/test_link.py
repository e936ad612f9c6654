"""Linking: which file an import means, and what the functions of a program bear on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from evalguard import knowledge
from evalguard.events import Unit
from evalguard.link import link
from evalguard.link.imports import Imports
from evalguard.link.interest import Bearing, Interest
from evalguard.lower import lower
from evalguard.source import from_text

NOTHING: Mapping[str, str] = MappingProxyType({})
TORCH = "from torch import nn\n"
FILES = (
    "proj/train.py",
    "proj/utils.py",
    "proj/pkg/__init__.py",
    "proj/pkg/torch/__init__.py",
    "proj/pkg/torch/shelf.py",
    "proj/pkg/open_clip.py",
    "proj/pkg/models/__init__.py",
    "proj/pkg/models/net.py",
    "proj/space/tool.py",
    "proj/src/lib/__init__.py",
    "proj/src/lib/core.py",
    "other/utils.py",
)


@pytest.mark.parametrize(
    ("module", "level", "importer", "path"),
    [
        ("utils", 0, "proj/train.py", "proj/utils.py"),
        ("utils", 0, "proj/pkg/models/net.py", "proj/utils.py"),
        ("utils", 0, "other/run.py", "other/utils.py"),
        ("pkg.models.net", 0, "proj/train.py", "proj/pkg/models/net.py"),
        ("pkg.models", 0, "proj/train.py", "proj/pkg/models/__init__.py"),
        ("models.net", 1, "proj/pkg/open_clip.py", "proj/pkg/models/net.py"),
        ("net", 1, "proj/pkg/models/__init__.py", "proj/pkg/models/net.py"),
        ("", 2, "proj/pkg/models/net.py", "proj/pkg/__init__.py"),
        ("space.tool", 0, "proj/train.py", "proj/space/tool.py"),
        ("lib.core", 0, "proj/train.py", "proj/src/lib/core.py"),
        # A package's own module isn't what an absolute import means ...
        ("torch", 0, "proj/pkg/torch/shelf.py", None),
        # ... and no file imports itself.
        ("open_clip", 0, "proj/pkg/open_clip.py", None),
        ("numpy", 0, "proj/train.py", None),
        ("too.far", 9, "proj/train.py", None),
    ],
)
def test_an_import_means_a_file(module: str, level: int, importer: str, path: str | None) -> None:
    assert Imports(FILES).resolve(module, level, importer) == path


def test_a_package_knows_its_modules() -> None:
    imports = Imports(FILES)
    assert imports.submodule("proj/pkg/__init__.py", "open_clip") == "proj/pkg/open_clip.py"
    assert imports.submodule("proj/pkg/__init__.py", "models") == "proj/pkg/models/__init__.py"
    assert imports.submodule("proj/utils.py", "models") is None


def test_packages_come_before_what_is_in_them() -> None:
    imports = Imports(FILES)
    assert imports.packages_of("proj/pkg/models/net.py") == [
        "proj/pkg/__init__.py",
        "proj/pkg/models/__init__.py",
    ]
    assert imports.packages_of("proj/pkg/models/__init__.py") == ["proj/pkg/__init__.py"]
    assert imports.packages_of("proj/train.py") == []


def test_a_folder_without_a_name_is_no_package() -> None:
    for root in ("", "some-project/", "../"):
        files = (f"{root}__init__.py", f"{root}shelf.py", f"{root}scripts/run.py")
        imports = Imports(files)
        assert imports.packages_of(files[1]) == []
        assert imports.resolve("shelf", 0, files[2]) == files[1]


def test_the_folder_of_a_setup_script_is_no_package() -> None:
    files = ("/work/proj/__init__.py", "/work/proj/pkg/__init__.py", "/work/proj/pkg/shelf.py")
    importer = "/work/proj/pkg/run.py"
    assert Imports((*files, importer)).resolve("pkg.shelf", 0, importer) is None
    imports = Imports((*files, importer, "/work/proj/setup.py"))
    assert imports.resolve("pkg.shelf", 0, importer) == files[2]
    assert imports.packages_of(importer) == [files[1]]


def test_folders_on_the_path_are_searched_last() -> None:
    files = ("proj/scripts/run.py", "proj/lib/shelf.py", "proj/far/lib/shelf.py", "proj/lib/run.py")
    added = {"proj/scripts/run.py": frozenset(("lib",))}
    assert Imports(files).resolve("shelf", 0, "proj/scripts/run.py") is None
    assert Imports(files, added).resolve("shelf", 0, "proj/scripts/run.py") == "proj/lib/shelf.py"
    assert Imports(files, added).resolve("run", 0, "proj/scripts/run.py") == "proj/lib/run.py"


def test_a_folder_above_on_the_path_may_be_a_package() -> None:
    files = ("pkg/__init__.py", "pkg/shelf.py", "pkg/tools/run.py", "pkg/tools/other.py")
    imports = Imports(files, {"pkg/tools/run.py": frozenset(("",))})
    assert imports.resolve("shelf", 0, "pkg/tools/run.py") == "pkg/shelf.py"
    assert imports.resolve("shelf", 0, "pkg/tools/other.py") is None


def test_folders_that_are_no_packages_are_passed_through() -> None:
    imports = Imports(("proj/run.py", "proj/space/deep/tool.py", "proj/x/torch/nn.py"))
    assert imports.beneath("space.deep.tool", "proj/run.py") == "proj/space/deep/tool.py"
    assert imports.beneath("torch.nn", "proj/run.py") is None
    assert imports.beneath(".tool", "proj/run.py") is None


def test_what_decorators_and_calls_put_into_a_variable_makes_it_matter() -> None:
    registry = "NETS = {}\ndef enter(net):\n    NETS[net.__name__] = net\n    return net\n"
    use = "def make(name):\n    return NETS[name]()\n"
    for way in ("@enter\n", "enter(Net)\n", "NETS['n'] = Net\n", "NETS.update(n=Net)\n"):
        own = "class Net(nn.Module):\n    pass\n"
        text = way + own if way.startswith("@") else own + way
        assert {"enter", "make"} <= mattering(TORCH + registry + text + use), way
    assert "make" not in mattering(TORCH + registry + use)


def test_a_callee_that_is_looked_up_by_name_matters() -> None:
    direct = "def make(name):\n    return getattr(shelf, name)()\n"
    kept = "def make(name):\n    kind = getattr(shelf, name)\n    return kind()\n"
    written = "def make():\n    return getattr(shelf, 'Net')()\n"
    assert "make" in mattering(direct)
    assert "make" in mattering(kept)
    assert "make" not in mattering(written)


def test_a_name_means_what_its_file_imports() -> None:
    layers = "from torch import nn\nclass Identity(nn.Module):\n    pass\n"
    own = "class Identity:\n    pass\n"
    use = "from {} import Identity\ndef make():\n    return Identity()\n"
    files = {"layers.py": layers, "shapes.py": own}
    assert "make" in mattering(use.format("layers"), files)
    assert "make" not in mattering(use.format("shapes"), files)
    assert "make" in mattering("from layers import *\ndef make():\n    return Identity()\n", files)
    assert "make" in mattering("import layers\ndef make():\n    return layers.Identity()\n", files)
    assert "make" not in mattering("def make():\n    return Identity()\n", files)


def test_an_attribute_of_self_is_one_of_its_family() -> None:
    base = "class Base:\n    def work(self):\n        self.helper()\n"
    switching = "    def helper(self):\n        self.net.eval()\n"
    other = "class Other:\n" + switching
    assert "work" in mattering(base + "class Child(Base):\n" + switching)
    assert "work" not in mattering(base + "    def helper(self):\n        pass\n" + other)
    assert "work" in mattering(base + other), "nobody knows whose helper it is"


def test_a_class_in_a_class_is_an_attribute_of_it() -> None:
    nested = "class Outer:\n    class Net(nn.Module):\n        pass\n"
    use = "    def make(self):\n        return self.Net()\n"
    other = "    def other(self):\n        return self.nut()\n"
    assert mattering(TORCH + nested + use + other) == {"make"}


def test_a_main_block_starts_if_it_brings_a_module_and_a_switch_together() -> None:
    net = TORCH + "class Net(nn.Module):\n    pass\ndef test(net):\n    net.eval()\n"
    main = "if __name__ == '__main__':\n    "
    assert linked(net + main + "test(Net())\n").mains == {"a.py"}
    assert not linked(net + main + "print('hello')\n").mains


def test_a_class_that_is_only_mentioned_is_not_made() -> None:
    net = TORCH + "class Net(nn.Module):\n    pass\n"
    off = "@torch.no_grad()\ndef work(net{}):\n    {}\n"
    assert "work" in starting(net + off.format("", "Net()(net)"))
    assert "work" not in starting(net + off.format(": Net", "net(1)"))
    assert "work" not in starting(net + off.format("", "isinstance(net, Net)"))


def test_layers_that_know_no_mode_and_learn_nothing_are_not_worth_a_start() -> None:
    forward = TORCH + "class Net(nn.Module):\n    def forward(self, x):\n        nn.{}(x)\n"
    assert starting(forward.format("Dropout")) == {"forward"}
    assert starting(forward.format("Linear")) == {"forward"}
    assert starting(forward.format("CrossEntropyLoss")) == set()
    assert starting(forward.format("ReLU")) == set()


def test_what_decorates_a_function_is_not_what_it_runs() -> None:
    train = "def train(work):\n    loss().backward()\n    return work\n"
    off = "def work(net):\n    with torch.no_grad():\n        {}\n"
    assert "work" in starting(TORCH + train + off.format("train(net)"))
    assert "work" not in starting(TORCH + train + "@train\n" + off.format("net(1)"))


def test_what_is_only_looked_up_is_no_registry() -> None:
    held = "KINDS = {}\ndef known(kind):\n    return KINDS[kind]\n"
    entered = "KINDS = {}\ndef known(kind):\n    def inner(cls):\n        KINDS[kind] = cls\n"
    net = "@known('net')\nclass Net(nn.Module):\n    pass\ndef make(kind):\n    KINDS[kind]()\n"
    assert "make" in mattering(TORCH + entered + "    return inner\n" + net)
    assert "make" not in mattering(TORCH + held + net)


def test_files_that_import_all_of_each_other_are_looked_through_once() -> None:
    names = [f"file{number}" for number in range(30)]
    stars = "".join(f"from {name} import *\n" for name in names)
    files = {f"{name}.py": stars for name in names}
    net = "from torch import nn\nclass Net(nn.Module):\n    pass\n"
    use = "def make():\n    return Net()\ndef count():\n    return nothing()\n"
    assert mattering(stars + use, {**files, "file7.py": net}) == {"make"}


def starting(text: str) -> set[str]:
    """The names of the functions of a file that may hold a finding's cause."""
    return told(text, linked(text), lambda bearing: bearing.starts)


def mattering(text: str, files: Mapping[str, str] = NOTHING) -> set[str]:
    """The names of the functions of a file that matter."""
    return told(text, linked(text, files), lambda bearing: bearing.matters)


def told(text: str, interest: Interest, wanted: Callable[[Bearing], bool]) -> set[str]:
    lines = text.splitlines()
    return {
        next(line for line in lines[span.line - 1 :] if "def " in line)
        .split("def ")[1]
        .split("(")[0]
        for (path, span), bearing in interest.functions.items()
        if path == "a.py" and wanted(bearing)
    }


def linked(text: str, files: Mapping[str, str] = NOTHING) -> Interest:
    units = [lowered(text), *[lower(from_text(other, path)) for path, other in files.items()]]
    return link(units, knowledge.load()).interest


def lowered(text: str) -> Unit:
    return lower(from_text(text, "a.py"))


def test_what_is_not_read_is_not_mistaken_for_something_else() -> None:
    imports = Imports(["utils.py", "pkg/run.py", "pkg/__init__.py"], unread=["pkg/utils.py"])
    assert imports.resolve("utils", 0, "pkg/run.py") is None
    assert imports.resolve("utils", 1, "pkg/run.py") is None
    assert imports.submodule("pkg/__init__.py", "utils") is None
    assert imports.resolve("utils", 0, "pkg/__init__.py") is None
    assert Imports(["utils.py", "pkg/run.py"]).resolve("utils", 0, "pkg/run.py") == "utils.py"


def test_packages_that_are_not_read_are_not_imported() -> None:
    imports = Imports(["pkg/sub/x.py", "pkg/__init__.py"], unread=["pkg/sub/__init__.py"])
    assert imports.packages_of("pkg/sub/x.py") == ["pkg/__init__.py"]


@pytest.mark.parametrize(
    ("paths", "here"),
    [
        (["run.py", "../__init__.py", "../lib/net.py", "../../setup.py"], "/home/me/proj/pkg/app"),
        (["/proj/app/run.py", "/proj/__init__.py", "/proj/lib/net.py", "/setup.py"], "/elsewhere"),
    ],
)
def test_paths_may_climb(paths: list[str], here: str) -> None:
    imports = Imports(paths, here=here)
    run, package, net, setup = paths
    assert imports.resolve("lib.net", 2, run) == net
    assert imports.resolve("", 2, net) == package
    assert imports.resolve("setup", 0, run) == setup
    assert imports.packages_of(net) == []
    assert imports.submodule(package, "lib") is None
