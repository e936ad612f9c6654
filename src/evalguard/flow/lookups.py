"""Builtins that look something up by a name: ``getattr``, ``globals``, ``vars`` and ``eval``."""

from __future__ import annotations

from evalguard.events import Call, Const, Expr, Import, Joined
from evalguard.flow.atoms import File, Files, Lib, Sought, Value
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.methods import Methods
from evalguard.flow.state import State
from evalguard.flow.values import ANYTHING, constant, one, only


class Lookups(Methods):
    """What stands under a name that is a value."""

    def get_by_name(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``getattr(owner, name)``."""
        if len(args.positional) < 2:
            return ANYTHING
        owner, name = args.positional[0], constant(args.positional[1])
        if name is not None and isinstance(name.value, str):
            return self.attribute(owner, name.value, site, state, frame)
        atom = only(owner)
        if isinstance(atom, (File, Files)):
            return one(Sought(atom.paths if isinstance(atom, Files) else (atom.path,)))
        return self.library_item(atom, ANYTHING) if isinstance(atom, Lib) else ANYTHING

    def names_here(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``globals()``."""
        return one(File(frame.path))

    def names_of(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``vars(owner)``."""
        atom = only(args.positional[0]) if args.positional else None
        if isinstance(atom, File):
            return one(atom)
        return one(Lib(f"{atom.name}.__dict__")) if isinstance(atom, Lib) else ANYTHING

    def evaluated(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``eval`` of a name: of one that isn't known, what makes a module in the file it is of."""
        text = constant(args.positional[0]) if len(args.positional) == 1 else None
        if text is not None:
            whole = str(text.value)
            return self._spelled(whole, site, state, frame) if _is_dotted(whole) else ANYTHING
        if not (site.args and isinstance(site.args[0], Joined)):
            owner = one(File(frame.path))
        else:
            before = _written_before(site.args[0])
            owner = self._spelled(before, site, state, frame) if before else ANYTHING
        return self.get_by_name(Arguments((owner, ANYTHING)), site, state, frame)

    def import_by_name(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``importlib.import_module``: of a name that isn't known, a module of the package."""
        name, package = [constant(value) for value in (*args.values(), ANYTHING, ANYTHING)][:2]
        if name is None or not isinstance(name.value, str):
            before = _written_before(site.args[0]) if site.args else ""
            paths = self.program.imports.within(before, frame.path) if before else ()
            return one(Files(paths)) if paths else ANYTHING
        module = name.value.lstrip(".")
        level = len(name.value) - len(module)
        if level and package is not None and str(package.value).replace(".", "").isidentifier():
            within = str(package.value).split(".")
            module = ".".join([*within[: len(within) - level + 1], module])
            level = 0
        return self.imported(Import(module, level, None, "", site.at), state, frame)

    def _spelled(self, dotted: str, site: Call, state: State, frame: Frame) -> Value:
        """What a name written in a text stands for."""
        name, *rest = dotted.split(".")
        value = self.lookup(name, state, frame)
        for attribute in rest:
            value = self.attribute(value, attribute, site, state, frame)
        return value


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _written_before(node: Expr) -> str:
    """What is written before a name that isn't known: ``models`` in ``f"models.{name}"``."""
    parts = node.parts if isinstance(node, Joined) and len(node.parts) == 2 else ()
    first = parts[0].value if parts and isinstance(parts[0], Const) else None
    if not isinstance(first, str) or not first.endswith(".") or not _is_dotted(first[:-1]):
        return ""
    return first[:-1]
