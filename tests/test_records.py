"""Records and named tuples are what ``dataclasses`` and ``typing`` would have made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from evalguard.records import NamedTuple, dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Base:
    """What happened."""

    place: int
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact(Base):
    """More of it."""

    words: dict[str, int] = field(default_factory=dict)
    name: str = "x"

    @property
    def loud(self) -> str:
        return self.name.upper()


@dataclass(frozen=True, slots=True, order=True)
class One:
    number: int


@dataclass(slots=True)
class Open:
    items: list[int] = field(default_factory=list)
    count: int = 0


class Pair(NamedTuple):
    """Two."""

    left: int
    right: str = "r"

    @property
    def both(self) -> str:
        return f"{self.left}{self.right}"


def test_fields_defaults_and_order() -> None:
    fact = Fact(1, name="y")
    assert (fact.place, fact.calls, fact.words, fact.name, fact.loud) == (1, (), {}, "y", "Y")
    assert Fact(1, (2,), {}, "z").name == "z"
    assert Fact.__match_args__ == ("place", "calls", "words", "name")
    assert repr(fact) == "Fact(place=1, calls=(), words={}, name='y')"
    assert Fact.__doc__ == "More of it."


def test_a_made_default_is_not_shared() -> None:
    assert Fact(1).words is not Fact(1).words
    assert Open().items is not Open().items


def test_wrong_arguments() -> None:
    make: Any = Fact
    for given, named in (((), {}), ((1,), {"nme": "y"}), ((1, (), {}, "z", 5), {})):
        with pytest.raises(TypeError):
            make(*given, **named)


def test_equality_is_of_one_class_and_all_fields() -> None:
    assert Base(1) == Base(1) != Base(2)
    assert Base(1) != Fact(1)
    assert Base(1) != "1"  # type: ignore[comparison-overlap]
    assert One(1) == One(1)
    assert One(1) < One(2)
    assert sorted([One(3), One(1)]) == [One(1), One(3)]
    with pytest.raises(TypeError):
        assert One(1) < 2  # type: ignore[operator]


def test_the_frozen_are_hashable_and_stay_as_they_are() -> None:
    assert {Base(1), Base(1)} == {Base(1)}
    fact: Any = Fact(1)
    for name in ("place", "nme"):
        with pytest.raises(AttributeError):
            setattr(fact, name, 2)
    with pytest.raises(AttributeError):
        del fact.place


def test_others_change_and_have_no_hash() -> None:
    record = Open()
    record.count += 1
    record.items.append(1)
    assert record == Open([1], 1) != Open()
    with pytest.raises(TypeError):
        hash(record)
    with pytest.raises(AttributeError):
        record.nme = 1  # type: ignore[attr-defined]


def test_copies() -> None:
    fact = Fact(1, (2,), {"a": 1}, "y")
    for again in (pickle.loads(pickle.dumps(fact)), copy.deepcopy(fact), replace(fact)):  # noqa: S301 (our own)
        assert again == fact
    assert replace(fact, name="z") == Fact(1, (2,), {"a": 1}, "z")
    assert replace(Open([1]), count=2) == Open([1], 2)


def test_the_library_knows_them() -> None:
    assert dataclasses.is_dataclass(Fact)
    assert [each.name for each in dataclasses.fields(Fact)] == ["place", "calls", "words", "name"]
    assert dataclasses.fields(Fact)[1].default == ()
    assert dataclasses.replace(Fact(1), place=2) == Fact(2)
    assert dataclasses.asdict(One(3)) == {"number": 3}


def test_patterns_match() -> None:
    match Fact(7, (1,)):
        case Fact(place, (call,)):
            assert (place, call) == (7, 1)
        case _:
            pytest.fail("it is a Fact")


def test_named_tuples() -> None:
    pair = Pair(1)
    assert pair == (1, "r") == Pair(left=1)
    assert (pair.both, pair._replace(left=2).both, Pair.__doc__) == ("1r", "2r", "Two.")
    assert Pair._fields == ("left", "right")
    assert repr(pair) == "Pair(left=1, right='r')"
    assert pickle.loads(pickle.dumps(pair)) == pair  # noqa: S301 (our own)
    assert pair._asdict() == {"left": 1, "right": "r"}
    assert Pair._make([2, "x"]) == Pair(2, "x")
    assert Pair.__module__ == __name__
    make: Any = Pair
    for given, named in (((), {}), ((1,), {"rigt": "y"}), ((1, "r", 3), {}), ((1,), {"left": 2})):
        with pytest.raises(TypeError):
            make(*given, **named)
    with pytest.raises(ValueError, match="rigt"):
        make._replace(pair, rigt="y")
