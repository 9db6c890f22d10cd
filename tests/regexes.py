"""Find every regular expression in the source, and the texts on which one might take more than linear time."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from re import _constants as codes  # type: ignore[attr-defined]  # the parser that re itself uses has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

FUNCTIONS = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
METHODS = FUNCTIONS - {"compile"}
COMMON = (" ", "a", "A", "1", ".", "-", "\n", "\t")
"""Characters that are tried with every expression."""
MAX_UNITS, MAX_PREFIXES = 120, 10


@dataclass(frozen=True)
class Found:
    """A regular expression in the source, with its flags and the methods that use it."""

    place: str
    pattern: str
    flags: int
    methods: frozenset[str]


def find_all(files: dict[str, ast.Module], examples: dict[str, str]) -> Iterator[Found]:
    """Yield the expressions in `files`.

    `examples` maps the source of a pattern that is built at run time to an example. Raises LookupError if one is
    missing.
    """
    uses = {name: _methods_by_name([tree]) for name, tree in files.items()}
    anywhere = _methods_by_name(files.values())
    for name, tree in files.items():
        constants = _constants(tree)
        named = _names_of_compiled(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_regex(node)):
            assert isinstance(call.func, ast.Attribute)
            place = f"{name}:{call.lineno}"
            pattern = _text(call.args[0], constants)
            if pattern is None:
                pattern = examples.get(ast.unparse(call.args[0]))
            if pattern is None:
                raise LookupError(f"{place}: add an example of the pattern {ast.unparse(call.args[0])}")
            methods = {call.func.attr}
            if call.func.attr == "compile":
                assigned = named.get(call, "_")
                methods = (uses[name] if assigned.startswith("_") else anywhere).get(assigned, {"search"})
            yield Found(place, pattern, _flags(call), frozenset(methods))


def attacks(found: Found) -> Iterator[tuple[str, str, str]]:
    """Yield prefixes, units and suffixes. A text of any length is a prefix, a repeated unit and a suffix."""
    tree = parser.parse(found.pattern, found.flags)
    letters, words = set[str](), set[str]()
    _collect(tree, letters, words)
    single = [*dict.fromkeys([*sorted(letters), *COMMON])]
    units = [*dict.fromkeys([*single, *sorted(words), *(f"{word} " for word in sorted(words)), *_pairs(letters)])]
    prefixes = [*dict.fromkeys(_sample(tree[:length]) for length in range(len(tree) + 1))]
    yield from product(prefixes[:MAX_PREFIXES], units[:MAX_UNITS], ("", "\0", "\nx\n"))


def _pairs(letters: set[str]) -> list[str]:
    return [one + other for one, other in product(sorted(letters), repeat=2) if one != other]


def _is_regex(call: ast.Call) -> bool:
    target = call.func
    return isinstance(target, ast.Attribute) and target.attr in FUNCTIONS and ast.unparse(target.value) == "re"


def _methods_by_name(trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """Return, by the name of a compiled expression, the methods that any of the modules calls on it."""
    uses: dict[str, set[str]] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in METHODS
            and isinstance(node.value, ast.Name | ast.Attribute)
        ):
            name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            uses.setdefault(name, set()).add(node.attr)
    return uses


def _names_of_compiled(tree: ast.Module) -> dict[ast.AST, str]:
    assigned = (
        node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    )
    return {node.value: node.targets[0].id for node in assigned if isinstance(node.targets[0], ast.Name)}


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    assigned = (node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))
    return {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}


def _text(node: ast.expr, constants: dict[str, ast.expr]) -> str | None:
    """Return the value of a string expression that consists of constants, or None for any other. Bytes become the
    characters of the same numbers.
    """
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(data)):
            return data.decode("latin-1")
        case ast.JoinedStr(values=parts):
            texts = [_text(part, constants) for part in parts]
            return None if None in texts else "".join(text for text in texts if text is not None)
        case ast.FormattedValue(value=inner) if node.conversion == -1 and node.format_spec is None:
            return _text(inner, constants)
        case ast.Name(id=name) if name in constants:
            return _text(constants[name], constants)
    return None


def _flags(call: ast.Call) -> int:
    """Return the flags in a call such as `re.compile(text, re.DOTALL | re.IGNORECASE)`, in any argument."""
    arguments = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    names = [node.attr for argument in arguments for node in ast.walk(argument) if isinstance(node, ast.Attribute)]
    flags = 0
    for name in names:
        value = getattr(re, name, None)
        flags |= int(value) if isinstance(value, re.RegexFlag) else 0
    return flags


def _collect(tree: Any, letters: set[str], words: set[str]) -> None:
    """Collect a character for each literal and class of the expression, and each run of literals."""
    run = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            run += chr(argument)
            letters.add(chr(argument))
            continue
        words |= {run} if len(run) > 1 else set()
        run = ""
        if code is codes.IN:
            letters.add(_member(argument))
        for inner in _inner(code, argument):
            _collect(inner, letters, words)
    words |= {run} if len(run) > 1 else set()


def _inner(code: Any, argument: Any) -> list[Any]:
    """Return the expressions inside this one."""
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return [argument[2]]
    if code is codes.SUBPATTERN:
        return [argument[3]]
    if code is codes.BRANCH:
        return list(argument[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [argument[1]]
    return [argument] if code is codes.ATOMIC_GROUP else []


def _member(items: Any) -> str:
    """Return a character that the class matches."""
    for letter in ("a", "A", "1", " ", "-", "_", "/", ".", ":", "!", "\u4e00", *map(chr, range(9, 256))):
        if _in_class(letter, items):
            return letter
    return chr(items[0][1]) if items[0][0] is codes.LITERAL else "a"


def _in_class(letter: str, items: Any) -> bool:
    negated = items[0][0] is codes.NEGATE
    tests: dict[Any, Callable[[str], bool]] = {
        codes.CATEGORY_DIGIT: str.isdecimal,
        codes.CATEGORY_SPACE: str.isspace,
        codes.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
        codes.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdecimal(),
        codes.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
        codes.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
    }
    inside = any(
        (code is codes.LITERAL and ord(letter) == argument)
        or (code is codes.RANGE and argument[0] <= ord(letter) <= argument[1])
        or (code is codes.CATEGORY and tests[argument](letter))
        for code, argument in items
    )
    return inside != negated


def _sample(tree: Any) -> str:
    """Return a short text that the expression matches or almost matches."""
    pieces = []
    for code, argument in tree:
        if code is codes.LITERAL:
            pieces.append(chr(argument))
        elif code is codes.NOT_LITERAL:
            pieces.append("b" if argument != ord("b") else "c")
        elif code is codes.ANY:
            pieces.append("x")
        elif code is codes.IN:
            pieces.append(_member(argument))
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            pieces.append(_sample(argument[2]) * max(argument[0], 1 if argument[1] else 0))
        elif code not in (codes.ASSERT, codes.ASSERT_NOT):
            pieces += [_sample(inner) for inner in _inner(code, argument)[:1]]
    return "".join(pieces)
