"""Files and entry points: where walking starts, and in which state.

Files are walked first, as an import would; then their ``__main__`` blocks; then every function
that nothing has reached yet, those that nobody mentions first, so that a function with visible
callers is judged in their states.
"""

from __future__ import annotations

from contextlib import suppress

from evalguard.events import (
    Block,
    Define,
    DefineClass,
    If,
    Import,
    Unit,
)
from evalguard.facts import Fact
from evalguard.flow.atoms import File, Value
from evalguard.flow.core import FUEL, UNFINISHED, Exhausted, Frame
from evalguard.flow.entries import Entries
from evalguard.flow.state import State, join_states
from evalguard.flow.values import ANYTHING, constant, library, lit, one, shared
from evalguard.link import Program
from evalguard.link.blocks import is_main, size_of
from evalguard.link.mentions import names_in
from evalguard.modes import Grad


class Analysis(Entries):
    """The whole program."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._imported: set[str] = set()
        self._files: dict[str, Frame] = {}
        self._absent: set[tuple[str, str]] = set()
        self._definitions: dict[str, dict[str, Define | DefineClass]] = {}

    def facts(self) -> tuple[Fact, ...]:
        """Walk everything; what happened."""
        for path in self.program.units:
            self.import_file(path)
        self.world.settled()
        for path, unit in self.program.units.items():
            self._run_main(path, unit)
        self.open_files()
        self.walk_entries(self._mentioned())
        return self.recorder.facts()

    def _mentioned(self) -> frozenset[str]:
        """Names that some function or module-level code mentions besides defining them."""
        names: set[str] = set()
        for known in self.functions:
            names.update(known.function.uses)
        for unit in self.program.units.values():
            names |= names_in(unit.body)
        return frozenset(names)

    # Files.

    def file_frame(self, path: str) -> Frame:
        """The frame of a file's module-level code."""
        frame = self._files.get(path)
        if frame is None:
            thing, _ = self.things.make(("file", path), "file")
            thing.text = path
            frame = Frame(thing.number, path, 0)
            self._files[path] = frame
            self.frames[thing.number] = frame
            self.world.fields[(thing.number, "__name__")] = lit(path)
        return frame

    def import_file(self, path: str) -> None:
        """Walk a file's module-level code once, its packages' before it."""
        if path in self._imported:
            return
        for package in self.program.imports.packages_of(path):
            self.import_file(package)
        if path in self._imported:
            return
        self._imported.add(path)
        frame = self.file_frame(path)
        saved = self.fuel, self.active, self.loops
        self.fuel, self.active, self.loops = FUEL, [], []
        self.files_under_way.add(path)
        body = self.program.units[path].body
        limit, self.limit = self.limit, self.limit_for(size_of(body))
        end = self._run_block(body, frame, State(self.world))
        self.limit = limit
        if end is not None and end.grad == Grad.OFF:
            self.left_off[path] = end
        self.files_under_way.discard(path)
        self.fuel, self.active, self.loops = saved

    def _run_block(self, block: Block, frame: Frame, state: State) -> State | None:
        states = [state]
        for stmt in block:
            try:
                ends = self.run((stmt,), states, frame)
            except Exhausted:
                self.fuel = self.limit + len(block)  # the rest is still looked at, one by one
                continue
            except UNFINISHED:
                continue
            if not ends:
                break
            states = ends
        end = join_states(states)
        if end is not None:
            self.world.absorb(end)
        return end

    def _run_main(self, path: str, unit: Unit) -> None:
        interest = self.program.interest
        if not (interest.all or path in interest.mains):
            return
        frame = self.file_frame(path)
        for stmt in unit.body:
            if isinstance(stmt, If) and is_main(stmt):
                self.fuel = FUEL
                self.recorder.begin()
                state = State(self.world)
                self._meet_left_off(path, state)
                limit, self.limit = self.limit, self.limit_for(size_of(stmt.body))
                with suppress(*UNFINISHED):
                    self.run(stmt.body, [state], frame)
                self.limit = limit

    def _meet_left_off(self, path: str, state: State) -> None:
        """Gradients are off after a file's import, if it turns them off."""
        end = self.left_off.get(path)
        if end is not None:
            state.grad, state.grad_place = end.grad, end.grad_place
            state.leak, state.locked = end.leak, end.locked

    def file_value(self, path: str, name: str, state: State) -> Value | None:
        """What a file defines under a name, walking it first if need be."""
        self.import_file(path)
        frame = self.file_frame(path)
        value = state.get((frame.thing, name))
        if value is not None:
            return value
        if (path, name) in self._absent:
            return None
        if self._defined_later(path, name, frame):
            return self.world.fields.get((frame.thing, name))
        inner = self.program.imports.submodule(path, name)
        if inner is not None:
            self.import_file(inner)
            return one(File(inner))
        if path not in self.files_under_way:
            self._absent.add((path, name))
        return None

    def names_of_file(self, path: str) -> list[str]:
        """The names that a file gives something; walking it first, if need be."""
        self.import_file(path)
        return self.things.names(self.file_frame(path).thing)

    def _defined_later(self, path: str, name: str, frame: Frame) -> bool:
        """In a circle of imports: define a function or class before its file gets there."""
        key = (frame.thing, name)
        if key in self.world.fields:
            return True
        stmt = self._definitions_in(path).get(name)
        if stmt is None:
            return False
        self.world.fields[key] = ANYTHING
        end = join_states(self.run((stmt,), [State(self.world)], frame))
        if end is not None:
            self.world.absorb(end)
        return True

    def _definitions_in(self, path: str) -> dict[str, Define | DefineClass]:
        """The functions and classes that a file's own code defines; of one name, the first."""
        found = self._definitions.get(path)
        if found is None:
            found = self._definitions[path] = {}
            for stmt in self.program.units[path].body:
                if isinstance(stmt, Define):
                    found.setdefault(stmt.function.name, stmt)
                elif isinstance(stmt, DefineClass):
                    found.setdefault(stmt.cls.name, stmt)
        return found

    def imported(self, stmt: Import, state: State, frame: Frame) -> Value:
        """What an import binds."""
        value = self._imported_value(stmt, state, frame)
        path = self.program.imports.resolve(stmt.module, stmt.level, frame.path)
        if path is not None and self.things[frame.thing].kind == "file":
            self._meet_left_off(path, state)
        return value

    def _imported_value(self, stmt: Import, state: State, frame: Frame) -> Value:
        imports = self.program.imports
        path = imports.resolve(stmt.module, stmt.level, frame.path)
        if path is not None:
            self._hand_to(path, state, frame)
        if stmt.name is None:
            if path is None:
                return library(stmt.module)
            self.import_file(path)
            return shared(File(path))
        if path is not None and stmt.name == "*":
            return shared(File(path))
        if path is not None:
            found = self.file_value(path, stmt.name, state)
            return ANYTHING if found is None else found
        dotted = f"{stmt.module}.{stmt.name}" if stmt.module else stmt.name
        inner = imports.resolve(dotted, stmt.level, frame.path)
        if inner is not None:
            self._hand_to(inner, state, frame)
            self.import_file(inner)
            return shared(File(inner))
        return library("." * stmt.level + dotted)

    def _hand_to(self, path: str, state: State, frame: Frame) -> None:
        """In a circle of imports, the other file sees what is there."""
        if path not in self._imported and self.things[frame.thing].kind == "file":
            self.world.absorb(state)

    def of_library(self, name: str, frame: Frame) -> Value:
        """What a library's name stands for; a file, if its first names are mere folders."""
        path = self.program.imports.beneath(name, frame.path)
        if path is None:
            return library(name)
        self.import_file(path)
        return shared(File(path))

    def _import_all(self, value: Value, state: State, frame: Frame) -> None:
        for atom in value.atoms:
            if isinstance(atom, File):
                self.import_file(atom.path)
                for name in self._public(atom.path, state):
                    held = self.file_value(atom.path, name, state)
                    if held is not None:
                        self.assign(frame.thing, name, held, state)

    def _public(self, path: str, state: State) -> list[str]:
        """The names that a star import brings: those in ``__all__``, or all without underscore."""
        source = self.file_frame(path).thing
        listed = state.get((source, "__all__"))
        known = [constant(one(atom)) for atom in self.items(listed, state).atoms] if listed else []
        if known and None not in known:
            return sorted(str(item.value) for item in known if item is not None)
        return [name for name in self.things.names(source) if not name.startswith("_")]


def flow(program: Program) -> tuple[Fact, ...]:
    """Follow modes and gradients through a program.

    Args:
        program: The linked files.

    Returns:
        What was seen happen, sorted by place; the same for the same program, always.
    """
    return Analysis(program).facts()
