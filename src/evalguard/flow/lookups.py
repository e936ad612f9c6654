"""Builtins that look something up by a name: ``getattr``, ``globals``, ``vars`` and ``eval``."""

from __future__ import annotations

from evalguard.events import Call, Const, Expr, Joined
from evalguard.flow.atoms import File, Lib, Sought, Value
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
        if isinstance(atom, File):
            return one(Sought(atom.path))
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
        parts = site.args[0].parts if site.args and isinstance(site.args[0], Joined) else ()
        owner = self._spelled_before(parts, site, state, frame) if parts else one(File(frame.path))
        return self.get_by_name(Arguments((owner, ANYTHING)), site, state, frame)

    def _spelled_before(
        self, parts: tuple[Expr, ...], site: Call, state: State, frame: Frame
    ) -> Value:
        """What is written before a name that isn't known: ``models`` in ``f"models.{name}"``."""
        first = str(parts[0].value) if isinstance(parts[0], Const) else ""
        if len(parts) != 2 or not first.endswith(".") or not _is_dotted(first[:-1]):
            return ANYTHING
        return self._spelled(first[:-1], site, state, frame)

    def _spelled(self, dotted: str, site: Call, state: State, frame: Frame) -> Value:
        """What a name written in a text stands for."""
        name, *rest = dotted.split(".")
        value = self.lookup(name, state, frame)
        for attribute in rest:
            value = self.attribute(value, attribute, site, state, frame)
        return value


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))
