"""The names that statements mention, definitions' bodies aside."""

from __future__ import annotations

from evalguard.events import Attr, Define, DefineClass, Expr, Function, Import, Item, Name


def names_in(node: object) -> set[str]:
    """Every variable and attribute that a block or expression reads or sets."""
    return {name for dotted in dotted_in(node) for name in dotted.split(".") if name}


def dotted_in(node: object) -> set[str]:
    """The same, as they are written: ``nn.Linear``; ``.eval`` of something without a name.

    Bodies of functions aren't looked into (decorators and defaults are); those of classes are.
    """
    found: set[str] = set()
    todo: list[object] = [node]
    while todo:
        item = todo.pop()
        if not isinstance(item, tuple):
            continue
        if isinstance(item, Name):
            found.add(item.id)
        elif isinstance(item, Attr):
            names, holder = _chain(item)
            if isinstance(holder, Name):
                names.append(holder.id)
            else:
                names.append("")
                todo.append(holder)
            found.add(".".join(reversed(names)))
        elif isinstance(item, Define):
            todo += item.function.decorators
        elif isinstance(item, DefineClass):
            todo += [*item.cls.bases, *item.cls.decorators, item.cls.body]
        elif not isinstance(item, (Function, Import)):
            todo += item
    return found


def _chain(node: Attr) -> tuple[list[str], Expr]:
    """The attributes that are read one of the other, the last first, and of what."""
    names: list[str] = []
    item: Expr = node
    while isinstance(item, Attr):
        names.append(item.name)
        item = item.value
    return names, item


def root_of(target: Expr) -> str:
    """The variable of which something is set."""
    while isinstance(target, (Attr, Item)):
        target = target.value
    return target.id if isinstance(target, Name) else ""
