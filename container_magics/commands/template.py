"""Go templates, as far as `--format` needs them (Go's text/template with docker's functions).

Actions: `{{.Field.Path}}`, `{{.Method "x"}}`, `{{$name := …}}`, pipes, parentheses,
`if`/`else if`/`else`, `range` (also `$key, $value :=`), `with`, `end`, comments, and the trim
markers `{{-` and `-}}`.
Functions: json, index, len, join, split, lower, upper, title, truncate, pad, print, printf with
%s %v %d %q, println, eq, ne, lt, le, gt, ge, and, or, not. Everything else is refused by name.
Data are what JSON can hold, and functions as methods; a missing key is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ..errors import UnsupportedError, UsageError

__all__ = ["Template"]

_ACTION = re.compile(r"\{\{(?P<left>- )?\s*(?P<code>.*?)\s*(?P<right> -)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<path>\$?[A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+|\$[A-Za-z0-9_]*|\.)|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<mark>:=|[|(),=]))"""
)
_MISSING = object()
_Value = Any
"""What JSON can hold, or a method."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Output:
    code: str


@dataclass(frozen=True, slots=True)
class _Branch:
    """An `if`, `with` or `range`: its condition, its body, and the body of its `else`."""

    keyword: str
    code: str
    body: list[_Node]
    otherwise: list[_Node]


_Node = _Text | _Output | _Branch


class Template:
    r"""One parsed template.

    Args:
        text: the template; `\t` and `\n` stand for a tab and a line feed, as in docker.
        missing: what a missing key gives; None makes it an error.

    Raises:
        UsageError: it cannot be parsed.
    """

    def __init__(self, text: str, *, missing: str | None = None) -> None:
        self.text = text.replace("\\t", "\t").replace("\\n", "\n")
        self._missing = missing
        parts = _parts(self.text)
        self._nodes, ending = self._parse(parts, inside=False)
        if ending:
            raise self._error(f"unexpected {{{{{ending}}}}}")

    def render(self, data: object) -> str:
        """The template filled in.

        Raises:
            UsageError: a missing key, a value of the wrong type.
            UnsupportedError: a function that is not in the subset.
        """
        return "".join(self._render(self._nodes, data, {"$": data}))

    def fields(self) -> list[str]:
        """The names of the top-level fields that it prints, in order, for a table's header."""
        return [
            match
            for node in self._nodes
            if isinstance(node, _Output)
            for match in re.findall(r"\.([A-Za-z]\w*)", node.code)[:1]
        ]

    def _error(self, what: str) -> UsageError:
        return UsageError(f"template parsing error: {what} in {self.text!r}")

    # --- parsing ---

    def _parse(self, parts: list[str | _Output], *, inside: bool) -> tuple[list[_Node], str]:
        nodes: list[_Node] = []
        while parts:
            part = parts.pop(0)
            if isinstance(part, str):
                nodes.append(_Text(part))
                continue
            keyword, _, code = part.code.partition(" ")
            if part.code.startswith("/*"):
                continue
            if keyword in ("end", "else"):
                return nodes, part.code
            if keyword in ("if", "range", "with"):
                nodes.append(self._branch(keyword, code, parts))
            elif not part.code:
                raise self._error("missing value for command")
            else:
                nodes.append(part)
        if inside:
            raise self._error("unexpected EOF: {{end}} is missing")
        return nodes, ""

    def _branch(self, keyword: str, code: str, parts: list[str | _Output]) -> _Branch:
        body, ending = self._parse(parts, inside=True)
        otherwise: list[_Node] = []
        if ending.startswith("else "):
            nested, _, condition = ending.removeprefix("else ").strip().partition(" ")
            if nested != keyword:
                raise self._error(f"unexpected {{{{{ending}}}}}")
            otherwise = [self._branch(keyword, condition, parts)]
        elif ending == "else":
            otherwise, ending = self._parse(parts, inside=True)
            if ending != "end":
                raise self._error(f"unexpected {{{{{ending}}}}}")
        return _Branch(keyword, code, body, otherwise)

    # --- rendering ---

    def _render(self, nodes: Sequence[_Node], dot: object, names: dict[str, _Value]) -> list[str]:
        out: list[str] = []
        for node in nodes:
            if isinstance(node, _Text):
                out.append(node.text)
            elif isinstance(node, _Output):
                targets, value = self._assign(node.code, dot, names)
                if not targets:
                    out.append(_go(value))
            else:
                out += self._render_branch(node, dot, names)
        return out

    def _render_branch(self, node: _Branch, dot: object, names: dict[str, _Value]) -> list[str]:
        inner = dict(names)
        targets, value = self._assign(node.code, dot, inner)
        if not _true(value):
            return self._render(node.otherwise, dot, names)
        if node.keyword != "range":
            return self._render(node.body, value if node.keyword == "with" else dot, inner)
        out: list[str] = []
        for key, item in _items(value):
            inner.update(
                zip(targets[-2:], (key, item) if len(targets) > 1 else (item,), strict=False)
            )
            out += self._render(node.body, item, inner)
        return out

    def _assign(self, code: str, dot: object, names: dict[str, _Value]) -> tuple[list[str], _Value]:
        """Evaluate `pipeline` or `$a, $b := pipeline`."""
        left, sign, right = code.partition(":=")
        if not sign or not left.strip().startswith("$"):
            return [], self._pipeline(self._tokens(code), dot, names)
        targets = [target.strip() for target in left.split(",")]
        value = self._pipeline(self._tokens(right), dot, names)
        names.update(dict.fromkeys(targets, value))
        return targets, value

    def _tokens(self, code: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(code):
            match = _TOKEN.match(code, at)
            if match is None:
                raise self._error(f"unexpected {code[at:].strip()!r}")
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        return tokens

    def _pipeline(
        self, tokens: list[tuple[str, str]], dot: object, names: Mapping[str, _Value]
    ) -> _Value:
        value: _Value = _MISSING
        while True:
            value = self._command(tokens, dot, names, value)
            if not tokens or tokens[0] != ("mark", "|"):
                return value
            tokens.pop(0)

    def _command(
        self, tokens: list[tuple[str, str]], dot: object, names: Mapping[str, _Value], piped: _Value
    ) -> _Value:
        function = ""
        if tokens and tokens[0][0] == "word" and tokens[0][1] not in ("true", "false", "nil"):
            function = tokens.pop(0)[1]
        values: list[_Value] = []
        while tokens and tokens[0] not in (("mark", "|"), ("mark", ")")):
            values.append(self._operand(tokens, dot, names))
        if piped is not _MISSING:
            values.append(piped)
        if function:
            return self._call(function, values)
        if values and callable(values[0]):
            return _apply("a method", values[0], values[1:])
        if len(values) != 1:
            raise self._error("one value was expected" if values else "missing value for command")
        return values[0]

    def _operand(
        self, tokens: list[tuple[str, str]], dot: object, names: Mapping[str, _Value]
    ) -> _Value:
        kind, text = tokens.pop(0)
        if kind == "string":
            return text[1:-1] if text[0] == "`" else json.loads(text)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "path":
            return self._path(text, dot, names)
        if (kind, text) == ("mark", "("):
            value = self._pipeline(tokens, dot, names)
            if not tokens or tokens.pop(0) != ("mark", ")"):
                raise self._error("unclosed parenthesis")
            return value
        if kind == "word":
            constants = {"true": True, "false": False, "nil": None}
            if text in constants:
                return constants[text]
            tokens.insert(0, (kind, text))
            return self._call(tokens.pop(0)[1], [])
        raise self._error(f"unexpected {text!r}")

    def _path(self, text: str, dot: object, names: Mapping[str, _Value]) -> _Value:
        value: _Value = dot
        head, *rest = text.split(".")
        if head:
            if head not in names:
                raise self._error(f"undefined variable {head!r}")
            value = names[head]
        for key in filter(None, rest):
            if not isinstance(value, Mapping) or key not in value:
                if value is None or self._missing is not None:
                    return self._missing
                raise UsageError(
                    f'template: :1: executing "" at <{text}>: map has no entry for key "{key}"',
                    hint=f"It has: {', '.join(value)}." if isinstance(value, Mapping) else "",
                )
            value = value[key]
        return value

    def _call(self, name: str, values: list[_Value]) -> _Value:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise UnsupportedError(
                f"the template function {name!r} is not known here",
                hint=f"These are: {', '.join(sorted(_FUNCTIONS))}.",
            )
        return _apply(name, function, values)


def _apply(name: str, function: Callable[..., _Value], values: Sequence[_Value]) -> _Value:
    try:
        return function(*values)
    except (TypeError, ValueError, LookupError) as error:
        raise UsageError(f"template: {name} cannot take these values: {error}") from error


def _parts(text: str) -> list[str | _Output]:
    """Literal text and actions in turn, the trim markers applied."""
    parts: list[str | _Output] = []
    at, trim = 0, False
    for match in _ACTION.finditer(text):
        literal = text[at : match.start()]
        literal = literal.lstrip() if trim else literal
        parts.append(literal.rstrip() if match["left"] else literal)
        parts.append(_Output(match["code"]))
        at, trim = match.end(), bool(match["right"])
    rest = text[at:]
    if "{{" in rest:
        raise UsageError(f"template parsing error: unclosed action in {text!r}")
    parts.append(rest.lstrip() if trim else rest)
    return [part for part in parts if part != ""]


def _items(value: _Value) -> list[tuple[_Value, _Value]]:
    if isinstance(value, Mapping):
        return sorted(value.items())
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"template: range can't iterate over {_go(value)}")
    return list(enumerate(value))


def _true(value: _Value) -> bool:
    return bool(value)


def _go(value: _Value) -> str:
    """A value as Go's `fmt` prints it with %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{_go(item)}" for key, item in sorted(value.items())) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(_go, value)) + "]"
    return str(value)


def _index(value: _Value, *keys: _Value) -> _Value:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else value[key]
    return value


def _printf(form: str, *values: _Value) -> str:
    rest = list(values)

    def fill(match: re.Match[str]) -> str:
        verb = match[0]
        if verb == "%%":
            return "%"
        if not rest:
            return f"%!{verb[-1]}(MISSING)"
        value = rest.pop(0)
        text = json.dumps(_go(value)) if verb[-1] == "q" else _go(value)
        width = verb[1:-1]
        return text.ljust(int(width[1:])) if width.startswith("-") else text.rjust(int(width or 0))

    return re.sub(r"%%|%-?\d*[svdq]", fill, form)


def _compare(test: Callable[[_Value, _Value], bool]) -> Callable[..., bool]:
    return lambda first, *others: any(test(first, other) for other in others)


_FUNCTIONS: dict[str, Callable[..., _Value]] = {
    "json": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "index": _index,
    "len": len,
    "join": lambda items, mark: mark.join(map(_go, items)),
    "split": lambda text, mark: text.split(mark),
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "title": lambda text: text.title(),
    "truncate": lambda text, length: text[:length],
    "pad": lambda text, left, right: " " * left + text + " " * right if text else text,
    "print": lambda *values: "".join(map(_go, values)),
    "println": lambda *values: " ".join(map(_go, values)) + "\n",
    "printf": _printf,
    "eq": _compare(lambda first, other: bool(first == other)),
    "ne": lambda first, other: first != other,
    "lt": lambda first, other: first < other,
    "le": lambda first, other: first <= other,
    "gt": lambda first, other: first > other,
    "ge": lambda first, other: first >= other,
    "not": lambda value: not _true(value),
    "and": lambda *values: reduce(lambda left, right: right if _true(left) else left, values),
    "or": lambda *values: reduce(lambda left, right: left if _true(left) else right, values),
}
