"""The shared map, against plain dicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalguard.flow.layers import Layers

KEYS = st.integers(0, 6)
STEPS = st.lists(st.tuples(st.sampled_from(["set", "pop", "copy"]), KEYS, st.integers(1, 9)))


@given(STEPS, STEPS, STEPS)
def test_copies_go_their_own_ways(
    before: list[tuple[str, int, int]],
    left: list[tuple[str, int, int]],
    right: list[tuple[str, int, int]],
) -> None:
    base, plain = Layers[int, int](), dict[int, int]()
    base = run(base, plain, before)
    one, two = base.copy(), base.copy()
    plain_one, plain_two = dict(plain), dict(plain)
    one, two = run(one, plain_one, left), run(two, plain_two, right)
    assert dict(one.items()) == plain_one
    assert dict(two.items()) == plain_two
    assert dict(base.items()) == plain
    found = {key: (mine, theirs) for key, mine, theirs in one.differences(two)}
    assert found == {
        key: (plain_one.get(key), plain_two.get(key))
        for key in plain_one | plain_two
        if plain_one.get(key) != plain_two.get(key)
    }


def run(
    layers: Layers[int, int], plain: dict[int, int], steps: list[tuple[str, int, int]]
) -> Layers[int, int]:
    for step, key, value in steps:
        if step == "set":
            layers[key] = plain[key] = value
        elif step == "pop":
            assert layers.pop(key) == plain.pop(key, None)
        else:
            layers = layers.copy()
        assert layers.get(key) == plain.get(key)
    return layers


def test_what_was_set_since_it_was_last_asked() -> None:
    one: Layers[str, int] = Layers()
    for number in range(40):
        one[f"old {number}"] = number
    assert len(one.news()) == 40
    other = one.copy()
    other["new"] = 1
    other.pop("old 3")
    assert other.news() == {"new": 1}
    assert other.news() == {}
    assert one.news() == {}
    assert other.get("old 3") is None
    assert len(list(other.items())) == 40
