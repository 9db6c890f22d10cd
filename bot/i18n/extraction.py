"""Find every sentence in the source that a user can see, for the catalogues of translations.

Babel's own extractor knows calls such as `_("...")`. Here sentences are also arguments of errors, descriptions of
options, and values of tables, so the source is read as a syntax tree.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "engine", "storage")

SINKS = {"translate", "UserMessage", "ButtonSpec", "progress", "report"}
"""Calls whose first argument, or `template=`, is a sentence, besides error classes. The last two name a stage."""


@dataclass(frozen=True)
class Sentences:
    """The sentences of the source."""

    #: Template -> `file:line` of its first use.
    templates: dict[str, str]
    #: Template -> its plural, for a sentence that states a count.
    plurals: dict[str, str]
    #: `file:line` -> expression that builds a sentence from parts.
    built: dict[str, str]


def extract_sentences(root: Path = ROOT) -> Sentences:
    """Return the sentences of the source under `root`. Raises ValueError for a plural with more than one singular."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    modules = {str(path.relative_to(root)): list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in paths}
    classes = [node for nodes in modules.values() for node in nodes if isinstance(node, ast.ClassDef)]
    sinks = _sinks(modules.values(), classes)
    params = _descendants("TaskParams", classes)
    found = Sentences({}, {}, {})
    for name, nodes in modules.items():
        values = _Values(nodes)
        for expression in _shown_expressions(nodes, sinks, params):
            place = f"{name}:{expression.lineno}"
            for text in sorted(values.of(expression)):
                found.templates.setdefault(text, place)
            if isinstance(expression, ast.JoinedStr | ast.BinOp):
                found.built[place] = ast.unparse(expression)
        found.plurals.update(_plurals(nodes, sinks, values))
    return found


def _sinks(modules: Iterable[list[ast.AST]], classes: list[ast.ClassDef]) -> set[str]:
    """Return the names of errors, of SINKS, and of the functions that pass their first parameter on to one of these."""
    sinks = SINKS | _descendants("AtelierError", classes)
    passed = {pair for nodes in modules for node in nodes for pair in _passing_on(node)}
    while more := {function for function, called in passed if called in sinks} - sinks:
        sinks |= more
    return sinks


def _shown_expressions(nodes: list[ast.AST], sinks: set[str], params: set[str]) -> Iterator[ast.expr]:
    """Yield the expressions that users see: arguments of sinks, and descriptions of commands and options."""
    for node in nodes:
        if isinstance(node, ast.Call) and _name_of_call(node) in sinks:
            yield from _template(node)
        elif isinstance(node, ast.ClassDef) and node.name in params and _bases(node) & params:
            yield from _descriptions(node)
        elif isinstance(node, ast.Subscript) and _name(node.value) == "Annotated":
            yield from _descriptions(node)  # an option that several tasks take
        elif isinstance(node, ast.AsyncFunctionDef):
            calls = (
                each for each in node.decorator_list if isinstance(each, ast.Call) and _name_of_call(each) == "command"
            )
            yield from (part for call in calls for part in (*_template(call), *_labels(call)))


def _template(call: ast.Call) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "template"]
    return named or call.args[:1]


def _plurals(nodes: list[ast.AST], sinks: set[str], values: "_Values") -> Iterator[tuple[str, str]]:
    """Yield each singular with its plural. Raises ValueError unless a call has exactly one of each."""
    for call in nodes:
        named = [one.value for one in call.keywords if one.arg == "plural"] if isinstance(call, ast.Call) else []
        plurals = {text for expression in named for text in values.of(expression)} - {""}
        if isinstance(call, ast.Call) and _name_of_call(call) in sinks and plurals:
            singulars = {text for expression in _template(call) for text in values.of(expression)}
            if (len(plurals), len(singulars)) != (1, 1):
                raise ValueError(f"{plurals} must have one singular, and it has {singulars}")
            yield singulars.pop(), plurals.pop()


def _labels(call: ast.Call) -> list[ast.expr]:
    """Return the texts of a command's menu entry and of its consent. `ButtonSpec` is a sink of its own."""
    return [keyword.value for keyword in call.keywords if keyword.arg in ("menu", "consent")]


def _descriptions(declared: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(declared):
        if isinstance(node, ast.Call) and _name_of_call(node) == "Field":
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "description")


def _passing_on(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the name of the function with each name that it calls with its first parameter as the sentence."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    own = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args) if argument.arg != "self"][:1]
    for call in ast.walk(node) if own else ():
        if isinstance(call, ast.Call) and any(
            isinstance(part, ast.Name) and part.id in own for part in _template(call)
        ):
            yield node.name, _name_of_call(call)


class _Values:
    """Finds the strings that an expression can have, through the names, dicts and conditions of a module."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._assigned: dict[str, list[ast.expr]] = defaultdict(list)
        for node in nodes:
            for target in _targets(node):
                self._assigned[target].append(node.value)  # type: ignore[attr-defined]  # only assignments have targets

    def of(self, expression: ast.expr, seen: frozenset[str] = frozenset()) -> set[str]:
        if isinstance(expression, ast.Constant):
            return {expression.value} if isinstance(expression.value, str) else set()
        name = _name(expression) if isinstance(expression, ast.Name) else ""
        parts = self._parts(expression) if name not in seen else []
        return {text for part in parts for text in self.of(part, seen | {name} - {""})}

    def _parts(self, expression: ast.expr) -> Iterable[ast.expr]:
        match expression:
            case ast.Name(id=name):
                return self._assigned.get(name, [])
            case ast.IfExp(body=one, orelse=other):
                return one, other
            case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values) | ast.Dict(values=values):
                return values
            case ast.Subscript(value=table) | ast.Call(func=ast.Attribute(value=table, attr="get")):
                return (table,)
        return ()


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _descendants(root: str, classes: list[ast.ClassDef]) -> set[str]:
    """Return `root` and the names of its subclasses."""
    known = {root}
    while more := {node.name for node in classes if _bases(node) & known} - known:
        known |= more
    return known


def _bases(node: ast.ClassDef) -> set[str]:
    return {_name(base) for base in node.bases}


def _name_of_call(call: ast.Call) -> str:
    return _name(call.func)


def _name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
