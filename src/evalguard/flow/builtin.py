"""Builtins, and methods of containers, modules and what else the project doesn't define."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import Attr, Call, Class, Comprehension
from evalguard.facts import Revealed
from evalguard.flow.atoms import (
    Atom,
    Cls,
    Fun,
    Lib,
    Lit,
    Method,
    Part,
    Partial,
    Ref,
    Value,
)
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.lookups import Lookups
from evalguard.flow.members import FIELD
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.things import Thing
from evalguard.flow.values import (
    ANYTHING,
    constant,
    join_all,
    lit,
    one,
    only,
    ordered,
    tainted,
)
from evalguard.flow.variables import ITEMS, item_name
from evalguard.records import replace

SAME_ITEMS = frozenset(
    ("list", "tuple", "set", "sorted", "reversed", "iter", "frozenset", "filter")
)
NUMBERS = frozenset(("float", "int", "bool", "round"))
PARTIALS = frozenset(("functools.partial", "functools.partialmethod"))
BOUND = "types.MethodType"
IMPORT = "importlib.import_module"
REVEAL = "reveal_mode"
MODULE = "torch.nn.Module"
MOST_COUNTED = 8
MODE_MEMBERS = frozenset(("train", "eval", "training"))
NAMED_TUPLE = ("typename", "field_names")
DISPLAYS = frozenset(("list", "tuple", "set", "dict"))


class Builtins(Lookups):
    """Calls of builtins and of methods that aren't the project's."""

    def library_or_builtin(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a library name, builtins included."""
        if name in PARTIALS and args.positional:
            tag = name.rpartition(".")[2]
            return one(Partial(args.positional[0], args.positional[1:], args.keywords, tag))
        if name == BOUND and len(args.positional) > 1:
            return self.made_method(args.positional[0], args.positional[1])
        if self.knowledge.exits(name):
            state.dead = True
            return lit(None)
        if name == IMPORT:
            return self.import_by_name(args, site, state, frame)
        if name in _CONTAINERS:
            return _CONTAINERS[name](self, args, site, state, frame)
        if self.knowledge.effect(name) == "mapping":
            return self._dict(args, site, state, frame)
        if not name.startswith("builtins."):
            return self.library_call(name, args, site, state, frame)
        return self._builtin(name.partition(".")[2], args, site, state, frame)

    def made_method(self, function: Value, owner: Value) -> Value:
        """``MethodType(function, owner)``, or ``function.__get__(owner)``."""
        me = only(owner)
        if not isinstance(me, Ref):
            return function
        return join_all(
            one(atom._replace(bound=me)) if isinstance(atom, Fun) else one(atom)
            for atom in ordered(function.atoms)
        )

    def _builtin(self, name: str, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        first = args.positional[0] if args.positional else ANYTHING
        if name in SAME_ITEMS and not args.values():
            return self.listed([], "list", site.at, frame, state)
        if name in SAME_ITEMS:
            return args.positional[1] if name == "filter" and len(args.positional) > 1 else first
        if name in NUMBERS:
            self.recorder.measured(self.deep(first, state).taint)
            return ANYTHING if constant(first) is None else self._number(name, first, state)
        if name == "print":
            self.recorder.measured(tainted([self.deep(v, state) for v in args.values()]).taint)
            return lit(None)
        if name == "len":
            self.recorder.shape(first.taint)
            return ANYTHING
        if name == "sum" and _adds_values(site):
            self.recorder.added_up(self.deep(first, state).taint)
        handler = _BUILTINS.get(name)
        if handler is not None:
            return handler(self, args, site, state, frame)
        return self.effect(f"builtins.{name}", None, args, site, state, frame)

    def _number(self, name: str, value: Value, state: State) -> Value:
        holds, _ = self.truth(value, state)
        return lit(holds) if name == "bool" and holds is not None else value

    def _zip(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        rows = [self.sequence(value, state) for value in args.positional]
        known = [row for row in rows if row is not None]
        if known and len(known) == len(rows) and len({len(row) for row in known}) == 1:
            pairs = [
                self._tuple([row[index] for row in known], f"zip{index}", site, state, frame)
                for index in range(len(known[0]))
            ]
            return self.listed(pairs, "zip", site.at, frame, state)
        items = [self.items(value, state) for value in args.positional]
        return self._loose([self._tuple(items, "zip", site, state, frame)], site, state, frame)

    def _enumerate(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        first = args.positional[0] if args.positional else ANYTHING
        known = self.sequence(first, state)
        if known is not None and len(known) <= MOST_COUNTED and len(args.values()) == 1:
            pairs = [
                self._tuple([lit(index), item], f"enumerate{index}", site, state, frame)
                for index, item in enumerate(known)
            ]
            return self.listed(pairs, "enumerated", site.at, frame, state)
        pair = self._tuple([ANYTHING, self.items(first, state)], "enumerate", site, state, frame)
        return self._loose([pair], site, state, frame)

    def _map(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        mapped, *given = args.positional or (ANYTHING,)
        items = tuple([self.items(value, state) for value in given])
        result = self.call_value(mapped, Arguments(items), site, state, frame)
        return self._loose([result], site, state, frame)

    def _next(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return self.items(args.positional[0], state) if args.positional else ANYTHING

    def _range(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        known = [constant(value) for value in args.positional]
        bounds = [atom.value for atom in known if atom is not None and isinstance(atom.value, int)]
        if args.open or len(bounds) != len(known) or not 0 < len(bounds) < 4 or bounds[2:] == [0]:
            return ANYTHING
        return lit(range(*bounds))

    def set_by_name(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``setattr(owner, "name", value)``, or a method of that name (pytest's)."""
        name = constant(args.positional[1]) if len(args.positional) == 3 else None
        if name is not None and isinstance(name.value, str):
            target, (owner, _, value) = Attr(site.args[0], name.value), args.positional
            self.bind_attribute(target, owner, value, state, frame, site.at)
        elif len(args.positional) == 3:
            self._set_somewhere(args.positional[0], args.positional[2], state)
        return lit(None)

    def _set_somewhere(self, owner: Value, value: Value, state: State) -> None:
        """An attribute whose name isn't known: a module that it holds is reached all the same."""
        self.keep(value)
        for atom in owner.atoms:
            if isinstance(atom, Ref) and self.things[atom.thing].kind == "module":
                self.put(atom.thing, ITEMS, value, state)

    def _class_of(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        atoms = args.positional[0].atoms if len(args.positional) == 1 else frozenset()
        return join_all([self.introspected(atom, "__class__") or ANYTHING for atom in atoms])

    def _property(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        fun = only(args.positional[0]) if args.positional else None
        if not isinstance(fun, Fun):
            return ANYTHING
        number = self.function_numbers.setdefault(("property", fun.number), len(self.functions))
        if number == len(self.functions):
            self.functions.append(
                replace(self.functions[fun.number], number=number, role="property")
            )
        return one(fun._replace(number=number))

    def _isinstance(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        if len(args.positional) != 2:
            return ANYTHING
        subjects, kinds = args.positional[0].atoms, args.positional[1]
        asked = [only(kind) for kind in self.sequence(kinds, state) or [kinds]]
        answers = {self._is_any(atom, asked) for atom in subjects}
        told = next(iter(answers)) if len(answers) == 1 else None
        return ANYTHING if told is None else lit(told)

    def _hasattr(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """Whether a module has a mode and its switches: each has."""
        name = constant(args.positional[1]) if len(args.positional) == 2 else None
        if name is None or name.value not in MODE_MEMBERS:
            return ANYTHING
        atoms = args.positional[0].atoms
        return lit(True) if atoms and all(map(self.is_module, atoms)) else ANYTHING

    def _callable(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        atoms = args.positional[0].atoms if len(args.positional) == 1 else frozenset()
        sure = all(isinstance(atom, (Fun, Cls, Method, Partial)) for atom in atoms)
        return lit(True) if atoms and sure else ANYTHING

    def _is_any(self, atom: Atom, kinds: list[Atom | None]) -> bool | None:
        answers = [self._is_a(atom, kind) for kind in kinds]
        return True if True in answers else None if None in answers else False

    def _is_a(self, atom: Atom, kind: Atom | None) -> bool | None:
        """Whether a value is of a class, if that can be told."""
        thing = self.things[atom.thing] if isinstance(atom, Ref) else None
        if isinstance(kind, Lib) and kind.name.startswith("builtins."):
            return self._is_builtin(atom, thing, kind.name.partition(".")[2])
        if isinstance(kind, Lib) and self.knowledge.canonical(kind.name) == MODULE:
            return self._is_any_module(atom)
        if not isinstance(kind, Cls) or thing is None or thing.number in self.outside:
            return None
        if thing.cls is None:
            return None
        if kind in self.classes.ancestry(thing.cls):
            return True
        return None if self.classes.may_inherit(thing.cls, kind.number) else False

    def _is_any_module(self, atom: Atom) -> bool | None:
        if self.is_module(atom):
            return True
        return False if isinstance(atom, (Fun, Cls, Lit)) else None

    def _is_builtin(self, atom: Atom, thing: Thing | None, name: str) -> bool | None:
        if isinstance(atom, Lit):
            return name == atom.kind or (name, atom.kind) == ("int", "bool") or name == "object"
        if thing is None or thing.kind == "unknown":
            return None
        if thing.kind in ("list", "dict"):
            return thing.text == name if thing.text in DISPLAYS else None
        if thing.cls is not None:
            return name == "object" or f"builtins.{name}" in self.classes.libraries(thing.cls)
        return False if thing.kind == "module" else None

    def _dict(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        holder = self.emptied("dict", site.at, frame, state)
        for value in args.positional:
            self._take_pairs(holder, value, state)
        for name, value in args.keywords:
            self.put(holder, f"[{name!r}]", value, state)
        return self.things[holder].value

    def _take_pairs(self, holder: int, value: Value, state: State) -> None:
        """What ``dict()`` is made from: another dict, or pairs of a key and an item."""
        pairs = self.sequence(value, state)
        known = [self.sequence(pair, state) or [] for pair in pairs or ()]
        if not known or any(len(pair) != 2 for pair in known):
            self.take_all(holder, value, state)
            return
        for pair in known:
            self.put(holder, item_name(pair[0]), pair[1], state)

    def _field(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``dataclasses.field``: its default, or what makes one for each object."""
        named = args.named()
        if "default_factory" in named:
            return one(Partial(named["default_factory"], (), (), FIELD))
        return named.get("default", ANYTHING)

    def _named_tuple(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``namedtuple("Pair", "first second")``: a class."""
        named = {**dict(zip(NAMED_TUPLE, args.positional, strict=False)), **args.named()}
        name, given = (named.get(word, ANYTHING) for word in NAMED_TUPLE)
        told = [constant(value) for value in self.sequence(given, state) or ()]
        fields = [str(item.value) for item in told if item is not None]
        if (words := constant(given)) is not None:
            fields = str(words.value).replace(",", " ").split()
        known = constant(name)
        text = str(known.value) if known is not None else "namedtuple"
        cls = Class(text, text, (), (), (), (), tuple(fields), (), site.at)
        thing, new = self.things.make(("class", frame.path, site.at, text), "class")
        if new:
            blueprint = self.classes.add(cls, frame.path, frame.thing, thing.number)
            self.classes.settle(blueprint, (one(Lib("typing.NamedTuple")),))
            thing.cls = blueprint.number
        return ANYTHING if thing.cls is None else one(Cls(thing.cls))

    def _chain(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        rows = [self.sequence(value, state) for value in args.positional]
        known = [row for row in rows if row is not None]
        if known and len(known) == len(rows):
            return self.listed(
                [item for row in known for item in row], "chain", site.at, frame, state
            )
        return self._loose(
            [self.items(value, state) for value in args.positional], site, state, frame
        )

    def _deque(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return (
            args.positional[0]
            if args.positional
            else self.listed([], "list", site.at, frame, state)
        )

    def _default_dict(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return self._dict(args._replace(positional=args.positional[1:]), site, state, frame)

    # reveal_mode.

    def reveal(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``reveal_mode(module)``: tell what is believed here."""
        value = args.positional[0] if args.positional else ANYTHING
        text = show(site.args[0]) if site.args else ""
        for atom in ordered(value.atoms):
            if isinstance(atom, (Ref, Part)):
                seen = self.survey(atom.thing, text, state)
                fact = Revealed(
                    self.place(frame, site.at),
                    module=seen.module,
                    mode=seen.mode,
                    mixed=seen.mixed,
                    grad=state.grad,
                )
                self.recorder.revealed(fact)
        return value


def _adds_values(site: Call) -> bool:
    """Whether ``sum()`` adds up the values of a dict, one by one."""
    node = site.args[0] if site.args else None
    if isinstance(node, Comprehension) and len(node.clauses) == 1:
        plain = node.value == node.clauses[0].target
        node = node.clauses[0].iterable if plain else None
    return isinstance(node, Call) and isinstance(node.func, Attr) and node.func.name == "values"


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


_BUILTINS: dict[str, Callable[[Builtins, Arguments, Call, State, Frame], Value]] = {
    "zip": Builtins._zip,
    "enumerate": Builtins._enumerate,
    "map": Builtins._map,
    "next": Builtins._next,
    "range": Builtins._range,
    "getattr": Builtins.get_by_name,
    "setattr": Builtins.set_by_name,
    "hasattr": Builtins._hasattr,
    "callable": Builtins._callable,
    "isinstance": Builtins._isinstance,
    "dict": Builtins._dict,
    "property": Builtins._property,
    "globals": Builtins.names_here,
    "vars": Builtins.names_of,
    "eval": Builtins.evaluated,
    "type": Builtins._class_of,
}
_CONTAINERS: dict[str, Callable[[Builtins, Arguments, Call, State, Frame], Value]] = {
    "collections.OrderedDict": Builtins._dict,
    "collections.namedtuple": Builtins._named_tuple,
    "dataclasses.field": Builtins._field,
    "collections.defaultdict": Builtins._default_dict,
    "collections.deque": Builtins._deque,
    "itertools.chain": Builtins._chain,
}
