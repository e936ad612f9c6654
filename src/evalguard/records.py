"""Class bodies → records: what ``dataclass`` and ``NamedTuple`` make, made in less time.

``dataclasses`` compiles up to seven functions for each class, and ``typing`` every annotation:
that was a fifth of a run on one file. Here one function is compiled for all that have as many
fields, or for a class that mypyc has compiled, and all else is shared. To a type checker these are
the library's own, and so they are to the functions of ``dataclasses``. A module that uses them has
its annotations as strings, as this one has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple", "dataclass", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
    from typing import NamedTuple
else:
    from collections import namedtuple
    from functools import cache
    from operator import attrgetter
    from types import FunctionType

    class _Made:
        """A default that is made anew for each record."""

        def __init__(self, default_factory: Callable[[], object]) -> None:
            self.factory = default_factory

    class _Fields:
        """What ``dataclasses`` knows of a class, found out when it is first asked."""

        def __get__(self, _: object, cls: type) -> Mapping[str, Any]:
            import dataclasses

            return dataclasses.make_dataclass(cls.__name__, _declared(cls)).__dataclass_fields__

    class _Record:
        """What all records can do."""

        __slots__ = ()
        __dataclass_fields__ = _Fields()

        def __eq__(self, other: object) -> bool:
            if other.__class__ is not self.__class__:
                return NotImplemented
            return self._values(self) == self._values(other)

        def __repr__(self) -> str:
            told = [f"{name}={getattr(self, name)!r}" for name in self.__match_args__]
            return f"{type(self).__qualname__}({', '.join(told)})"

        def __reduce__(self) -> tuple[object, ...]:
            return type(self), tuple([getattr(self, name) for name in self.__match_args__])

        def __replace__(self, **changes: object) -> _Record:
            return type(self)(
                **{name: getattr(self, name) for name in self.__match_args__} | changes
            )

        __hash__ = None

    class _Frozen(_Record):
        """What all records can do that are never changed."""

        __slots__ = ()

        def __hash__(self) -> int:
            return hash(self._values(self))

        def __setattr__(self, name: str, _: object) -> None:
            raise AttributeError(f"cannot assign to field {name!r}")

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"cannot delete field {name!r}")

    class _Ordered(_Frozen):
        """Records in the order of their fields."""

        __slots__ = ()

        def __lt__(self, other: _Record) -> bool:
            if other.__class__ is not self.__class__:
                return NotImplemented
            return self._values(self) < self._values(other)

    def field(*, default_factory: Callable[[], object]) -> _Made:
        """A field whose default is made anew for each record."""
        return _Made(default_factory)

    def replace(record: _Record, /, **changes: object) -> _Record:
        """A copy of a record with some fields changed."""
        return record.__replace__(**changes)

    def dataclass(
        *, slots: bool, frozen: bool = False, order: bool = False
    ) -> Callable[[type], type]:
        """Make a record, with slots, of a class whose annotations are its fields."""
        assert slots
        base = _Ordered if order else _Frozen if frozen else _Record
        return lambda cls: _compiled(cls, base) if _is_compiled(cls) else _record(cls, base)

    def _is_compiled(cls: type) -> bool:
        """Whether mypyc has made a class: its fields have their places then."""
        return hasattr(cls, "__mypyc_attrs__")

    def _compiled(cls: type, base: type) -> type:
        """Give a class what makes it a record. That nothing changes it, mypy has seen.

        Its fields aren't in their places before this is done: they are set by name.
        """
        for above in (_Record, base):
            for name in ("__eq__", "__hash__", "__lt__", "__reduce__", "__replace__", "__repr__"):
                if name in vars(above):
                    setattr(cls, name, vars(above)[name])
        names, defaults = _fields(cls)
        cls.__match_args__, cls._defaults, cls._values = names, defaults, _values(names)
        cls.__init__ = _init_by_name(names, defaults)
        return cls

    def _record(cls: type, base: type) -> type:
        own = cls.__annotations__ if "__annotations__" in vars(cls) else {}
        space = {name: value for name, value in cls.__dict__.items() if name not in own}
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        names, defaults = _fields(cls)
        space |= {"__slots__": tuple(own), "__match_args__": names, "_defaults": defaults}
        space |= {"__qualname__": cls.__qualname__, "_values": _values(names)}
        bases = cls.__bases__ if issubclass(cls, base) else (base,)
        made = type(cls)(cls.__name__, bases, space)
        made.__init__ = _init(made, names, defaults)
        return made

    def _fields(cls: type) -> tuple[tuple[str, ...], Mapping[str, object]]:
        """The names of all fields, and their defaults."""
        own = cls.__annotations__ if "__annotations__" in vars(cls) else {}
        inherited = getattr(cls, "_defaults", {})
        defaults = inherited | {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        return tuple(dict.fromkeys((*getattr(cls, "__match_args__", ()), *own))), defaults

    def _values(names: tuple[str, ...]) -> staticmethod:
        if len(names) > 1:
            return staticmethod(attrgetter(*names))
        return staticmethod(lambda record: tuple([getattr(record, name) for name in names]))

    def _init(
        cls: type, names: tuple[str, ...], defaults: Mapping[str, object]
    ) -> Callable[..., None]:
        """A constructor with parameters of these names, which sets what is declared for each."""
        sets = [_setter(getattr(cls, name).__set__, defaults.get(name)) for name in names]
        space = {f"set{place}": each for place, each in enumerate(sets)}
        return _renamed(_numbered_init(len(names)), names, defaults, space)

    def _init_by_name(
        names: tuple[str, ...], defaults: Mapping[str, object]
    ) -> Callable[..., None]:
        """The same, compiled for these names."""
        space = {f"_{name}": value for name, value in defaults.items()}
        given = ", ".join([f"{name}=_{name}" if name in defaults else name for name in names])
        made = {name for name, value in defaults.items() if isinstance(value, _Made)}
        lines = [
            f"self.{name} = "
            + (f"_{name}.factory() if {name} is _{name} else {name}" if name in made else name)
            for name in names
        ]
        exec(f"def __init__(self, {given}):\n " + "\n ".join(lines), space)  # noqa: S102 (names of our own fields)
        return space["__init__"]

    def _setter(put: Callable[..., None], default: object) -> Callable[..., None]:
        if not isinstance(default, _Made):
            return put
        return lambda record, value: put(record, default.factory() if value is default else value)

    @cache
    def _numbered_init(count: int) -> Callable[..., None]:
        """The constructor that those of all records of so many fields are made after."""
        given = "".join([f", field{place}" for place in range(count)])
        lines = "".join([f"\n set{place}(self, field{place})" for place in range(count)])
        space: dict[str, Any] = {}
        exec(f"def __init__(self{given}):{lines or ' pass'}", space)  # noqa: S102 (numbers only)
        return space["__init__"]

    def _renamed(
        made: Callable[..., Any],
        names: tuple[str, ...],
        defaults: Mapping[str, object],
        space: dict[str, Any],
    ) -> Callable[..., Any]:
        """A constructor whose parameters have other names: nothing is compiled for it."""
        code = made.__code__.replace(co_varnames=(made.__code__.co_varnames[0], *names))
        given = tuple([defaults[name] for name in names if name in defaults])
        return FunctionType(code, space, made.__name__, given)

    def _declared(cls: type) -> Iterator[tuple[str, Any, Any]]:
        """The fields of a record as ``dataclasses.make_dataclass`` takes them."""
        import dataclasses

        for name in cls.__match_args__:
            default = cls._defaults.get(name, dataclasses.MISSING)
            given = "default_factory" if isinstance(default, _Made) else "default"
            value = default.factory if isinstance(default, _Made) else default
            yield name, cls.__annotations__.get(name, Any), dataclasses.field(**{given: value})

    class _Row(tuple):
        """What all named tuples can do."""

        __slots__ = ()

        @classmethod
        def _make(cls, values: Iterable[object]) -> _Row:
            return tuple.__new__(cls, values)

        def _replace(self, /, **changes: object) -> _Row:
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return made

        def _asdict(self) -> dict[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            told = [f"{name}={value!r}" for name, value in self._asdict().items()]
            return f"{type(self).__name__}({', '.join(told)})"

        def __getnewargs__(self) -> tuple[object, ...]:
            return tuple(self)

    class _Maker(type):
        """Turns a class body into a named tuple."""

        def __new__(mcs, name: str, _: tuple[type, ...], space: dict[str, Any]) -> type:
            names = tuple(space.setdefault("__annotations__", {}))
            defaults = {each: space[each] for each in names if each in space}
            like = _numbered(len(names))
            space |= {each: vars(like)[f"field{place}"] for place, each in enumerate(names)}
            space |= {"__slots__": (), "_fields": names, "__match_args__": names}
            space["__new__"] = _renamed(like.__new__, names, defaults, like.__new__.__globals__)
            return type(name, (_Row,), space)

    @cache
    def _numbered(count: int) -> type:
        """The named tuple that all of so many fields are made after."""
        return namedtuple(f"Of{count}", [f"field{place}" for place in range(count)])  # noqa: PYI024 (what `typing` builds on)

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
