"""Source as the analysis reads it: a file's ``Unit`` of functions, statements and expressions.

Everything that can't bear on modes or gradients is left out: operators keep only what their
result depends on (``Mix``), annotations and docstrings go. All nodes are frozen and picklable.
"""

from __future__ import annotations

from evalguard.places import Cell, Span
from evalguard.records import NamedTuple


class Name(NamedTuple):
    """A variable."""

    id: str


class Attr(NamedTuple):
    """``value.name``."""

    value: Expr
    name: str


class Const(NamedTuple):
    """A literal: None, a bool, a number or a string; or a ``Cut``."""

    value: object


class Call(NamedTuple):
    """A call; starred arguments are ``Star``, ``**`` keywords have the name None."""

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str | None, Expr], ...]
    at: Span


class Item(NamedTuple):
    """``value[key]``."""

    value: Expr
    key: Expr


class Display(NamedTuple):
    """A list, tuple or set display."""

    kind: str
    items: tuple[Expr, ...]
    at: Span


class Mapping(NamedTuple):
    """A dict display; a ``**`` item has the key None."""

    items: tuple[tuple[Expr | None, Expr], ...]
    at: Span


class Comprehension(NamedTuple):
    """A comprehension or generator expression; ``kind`` is list, set, dict or generator."""

    kind: str
    clauses: tuple[Clause, ...]
    key: Expr | None
    value: Expr
    at: Span


class Clause(NamedTuple):
    """One ``for target in iterable if conditions`` of a comprehension."""

    target: Expr
    iterable: Expr
    conditions: tuple[Expr, ...]


class Lambda(NamedTuple):
    """A lambda, or a nested function used as a value."""

    function: Function


class Choice(NamedTuple):
    """``then if test else other``."""

    test: Expr
    then: Expr
    other: Expr


class Logic(NamedTuple):
    """``and``, ``or`` (any number of parts) and ``not`` (one part)."""

    op: str
    parts: tuple[Expr, ...]


class Compare(NamedTuple):
    """One comparison, by its operator's sign."""

    op: str
    left: Expr
    right: Expr


class Mix(NamedTuple):
    """Any other operation: a new value that depends on its parts."""

    parts: tuple[Expr, ...]


class Joined(NamedTuple):
    """Strings put together: an f-string without formats, or ``+`` with a string on one side."""

    parts: tuple[Expr, ...]


class Star(NamedTuple):
    """``*value`` in a call, a display or a target."""

    value: Expr


class Yield(NamedTuple):
    """``yield value`` (``many``: ``yield from``)."""

    value: Expr
    many: bool
    at: Span


class Walrus(NamedTuple):
    """``name := value``."""

    name: str
    value: Expr


Expr = (
    Name
    | Attr
    | Const
    | Call
    | Item
    | Display
    | Mapping
    | Comprehension
    | Lambda
    | Choice
    | Logic
    | Compare
    | Mix
    | Joined
    | Star
    | Yield
    | Walrus
)

NOTHING = Mix(())
LOOKED_UP = "getattr()"  # stands among the names used where the name of a callee is looked up
NONE = Const(None)
TRAINING_SET = "training="
VOLATILE = "volatile"


class Bind(NamedTuple):
    """An assignment to one or more targets; ``augmented`` keeps what the target held."""

    targets: tuple[Expr, ...]
    value: Expr
    augmented: bool
    at: Span


class Do(NamedTuple):
    """An expression statement."""

    value: Expr
    at: Span


class If(NamedTuple):
    """``if``, and each arm of ``match``."""

    test: Expr
    body: Block
    orelse: Block
    at: Span


class Loop(NamedTuple):
    """``for`` (with target and iterable) and ``while`` (with a test)."""

    target: Expr | None
    iterable: Expr | None
    test: Expr | None
    body: Block
    orelse: Block
    at: Span


class Try(NamedTuple):
    """``try``; each handler is the name it binds and its body."""

    body: Block
    handlers: tuple[tuple[str | None, Block], ...]
    orelse: Block
    final: Block
    at: Span


class With(NamedTuple):
    """``with``, by item: the expression and its target."""

    items: tuple[tuple[Expr, Expr | None], ...]
    body: Block
    at: Span


class Return(NamedTuple):
    """``return``."""

    value: Expr
    at: Span


class Raise(NamedTuple):
    """``raise``: what follows isn't reached."""

    value: Expr
    at: Span


class Assert(NamedTuple):
    """``assert``."""

    test: Expr
    at: Span


class Jump(NamedTuple):
    """``break`` or ``continue``."""

    kind: str
    at: Span


class Delete(NamedTuple):
    """``del`` of plain names."""

    names: tuple[str, ...]
    at: Span


class Scope(NamedTuple):
    """``global`` or ``nonlocal``."""

    kind: str
    names: tuple[str, ...]
    at: Span


class Import(NamedTuple):
    """An import of a module (``name`` None) or of a name out of it (``*`` for all).

    ``level`` counts the leading dots; ``bound`` is the local name. ``import a.b`` binds ``a``.
    """

    module: str
    level: int
    name: str | None
    bound: str
    at: Span


class Define(NamedTuple):
    """A ``def``."""

    function: Function
    at: Span


class DefineClass(NamedTuple):
    """A ``class``."""

    cls: Class
    at: Span


Stmt = (
    Bind
    | Do
    | If
    | Loop
    | Try
    | With
    | Return
    | Raise
    | Assert
    | Jump
    | Delete
    | Scope
    | Import
    | Define
    | DefineClass
)
Block = tuple[Stmt, ...]


class Param(NamedTuple):
    """A parameter; ``kind`` is plain, keyword, args or kwargs; ``note`` its annotation."""

    name: str
    kind: str
    default: Expr | None
    note: Expr | None


class Function(NamedTuple):
    """A function, method or lambda.

    ``uses`` holds every name and attribute that its text (nested functions included) mentions,
    and TRAINING_SET if it assigns some object's ``training``, and VOLATILE if it passes an
    argument of that name; ``mentions`` the same as they are written, with dots: ``nn.Linear``,
    ``.eval`` of something without a name, ``net.training=`` where it is set; ``calls`` what it
    calls without telling it a ``training`` flag, methods of ``self`` aside, ``told`` what it calls
    and tells one; ``locals`` what it
    binds itself; ``generator`` whether it yields; ``inner`` whether it may define what others
    reach: functions and classes, variables of another scope, an attribute that holds a dict.
    """

    name: str
    qualname: str
    params: tuple[Param, ...]
    body: Block
    decorators: tuple[Expr, ...]
    uses: tuple[str, ...]
    mentions: tuple[str, ...]
    calls: tuple[str, ...]
    told: tuple[str, ...]
    locals: tuple[str, ...]
    generator: bool
    inner: bool
    is_async: bool
    at: Span


class Class(NamedTuple):
    """A class; ``body`` holds its statements, methods included.

    ``fields`` are its annotated names in order: what a dataclass is built from.
    """

    name: str
    qualname: str
    bases: tuple[Expr, ...]
    keywords: tuple[tuple[str | None, Expr], ...]
    decorators: tuple[Expr, ...]
    body: Block
    fields: tuple[str, ...]
    uses: tuple[str, ...]
    at: Span


class Unit(NamedTuple):
    """One file, lowered; ``path`` as shown, ``uses`` as in Function, for the whole file.

    ``binds``: the variables that its code outside of functions sets, and the names of nested
    functions and classes. ``imports``: its imports, wherever they stand. ``folders``: what it adds
    to the folders that imports are searched in. ``cells``: where in a notebook each line is.
    """

    path: str
    body: Block
    uses: frozenset[str]
    binds: frozenset[str] = frozenset()
    imports: tuple[Import, ...] = ()
    folders: frozenset[str] = frozenset()
    cells: tuple[Cell, ...] = ()
