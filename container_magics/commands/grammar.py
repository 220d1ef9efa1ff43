"""The grammar of docker's command lines, which is that of the pflag library.

Flags may follow operands (except where `interspersed` is false: after the image of `docker
run`); `--flag value`, `--flag=value`, `-fvalue`, `-f=value`, joined short booleans (`-aq`),
`--flag=false`, and `--` to end the flags. A flag that docker has and we cannot honour is known
by name and refused; nothing is ignored. Messages are docker's.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ..errors import UnsupportedError, UsageError

__all__ = ["FALSE", "TRUE", "Arguments", "Flag", "Grammar", "nearest", "refuse"]

TRUE = {"1", "t", "T", "TRUE", "true", "True"}
FALSE = {"0", "f", "F", "FALSE", "false", "False"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Attributes:
        name: the long form, without dashes.
        help: what it does.
        short: the one-letter form, or "".
        value: what its value is called in the help; "" for a boolean.
        default: its value where it is not given; "true" or "" for a boolean.
    """

    name: str
    help: str
    short: str = ""
    value: str = ""
    default: str = ""

    @property
    def spelled(self) -> str:
        """As the help shows it: `-t, --tag NAME`."""
        short = f"-{self.short}, " if self.short else "    "
        return f"{short}--{self.name}" + (f" {self.value}" if self.value else "")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like the given one, or ""."""
    return next(iter(get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)), "")


def refuse(names: str, instead: str = "") -> dict[str, str]:
    """A table of flags that docker has and we refuse.

    Args:
        names: such as `publish/p init dns`: long names, each with its short form if any.
        instead: what to do instead, for all of them.
    """
    return dict.fromkeys(names.split(), instead)


class Arguments:
    """What a command line said: flags by long name, and operands.

    Attributes:
        operands: the words that are no flags.
        help: whether `--help` was asked for; nothing else was checked then.
    """

    def __init__(
        self, given: Mapping[str, Sequence[str]], flags: Mapping[str, Flag], operands: Sequence[str]
    ) -> None:
        self._given = given
        self._flags = flags
        self.operands = tuple(operands)
        self.help = "help" in given

    def given(self, name: str) -> bool:
        """Whether the flag was written at all."""
        return name in self._given

    def on(self, name: str) -> bool:
        """The value of a boolean flag; the last one written counts."""
        return self.one(name) in TRUE

    def one(self, name: str) -> str:
        """The value of a flag, or its default; the last one written counts."""
        values = self._given.get(name)
        return values[-1] if values else self._flags[name].default

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a flag, in order."""
        return tuple(self._given.get(name, ()))

    def knows(self, name: str) -> bool:
        """Whether the grammar has such a flag."""
        return name in self._flags


@dataclass(frozen=True)
class Grammar:
    """The command line of one verb.

    Attributes:
        verb: such as `run` or `image prune`.
        called: what people type before the usage; `docker VERB` where it is "".
        usage: what follows it, such as `[OPTIONS] IMAGE [COMMAND] [ARG...]`.
        summary: one line on what it does.
        least, most: how many operands there may be; `most` None is any number.
        refused: `name` or `name/short` of docker's flags that we cannot honour, to what to do
            instead.
        interspersed: whether flags may follow operands.
    """

    verb: str
    usage: str
    summary: str
    least: int = 0
    most: int | None = 0
    flags: tuple[Flag, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    interspersed: bool = True
    called: str = ""

    @property
    def command(self) -> str:
        """What people type: `docker run`, `%%dockerfile`."""
        return self.called or f"docker {self.verb}".rstrip()

    def parse(self, words: Sequence[str], extra: Sequence[Flag] = ()) -> Arguments:
        """Take the words after the verb apart.

        Args:
            words: as the shell or the magic split them.
            extra: flags that the caller adds to the verb's.

        Raises:
            UsageError: an unknown flag, a missing value, too few or too many operands.
            UnsupportedError: a flag of docker's that we cannot honour.
        """
        reading = _Reading(self, (*self.flags, *extra, Flag("help", "print this help")))
        reading.read(words)
        arguments = Arguments(reading.given, reading.by_name, reading.operands)
        if not arguments.help:
            self._check_operands(arguments.operands)
        return arguments

    def error(self, message: str, *, hint: str = "") -> UsageError:
        """An error about this command line, with its usage where there is no better hint."""
        return UsageError(message, hint=hint or f"Usage: {self.command} {self.usage}".rstrip())

    def help(self, extra: Sequence[Flag] = ()) -> str:
        """The text that `--help` prints."""
        lines = [f"Usage:  {self.command} {self.usage}".rstrip(), "", self.summary]
        flags = sorted((*self.flags, *extra), key=lambda flag: flag.name)
        if flags:
            width = max(len(flag.spelled) for flag in flags) + 5
            lines += ["", "Options:"]
            for flag in flags:
                shown = f"{flag.help} (default {flag.default})" if flag.default else flag.help
                wrapped = textwrap.wrap(shown, 96 - width)
                lines.append(f"  {flag.spelled}".ljust(width) + wrapped[0])
                lines += [" " * width + rest for rest in wrapped[1:]]
        return "\n".join(lines)

    def _check_operands(self, operands: Sequence[str]) -> None:
        least, most, count = self.least, self.most, len(operands)
        if count >= least and (most is None or count <= most):
            return
        if most == 0:
            wanted = "accepts no arguments."
        elif least == most:
            wanted = f"requires exactly {_arguments(least)}."
        elif most is None:
            wanted = f"requires at least {_arguments(least)}."
        elif least == 0:
            wanted = f"requires at most {_arguments(most)}."
        else:
            wanted = f"requires at least {least} and at most {_arguments(most)}."
        hint = f"Usage: {self.command} {self.usage}".rstrip()
        if most is not None and count > most:
            hint += f"\nThere are {count}: {shlex.join(operands)}"
        raise self.error(f'"{self.command}" {wanted}', hint=hint)


def _arguments(count: int) -> str:
    return f"{count} argument" + ("" if count == 1 else "s")


class _Reading:
    """One pass over the words of a command line."""

    def __init__(self, grammar: Grammar, flags: Sequence[Flag]) -> None:
        self.by_name = {flag.name: flag for flag in flags}
        self.given: dict[str, list[str]] = {}
        self.operands: list[str] = []
        self._grammar = grammar
        self._by_short = {flag.short: flag for flag in flags if flag.short}

    def read(self, words: Sequence[str]) -> None:
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                self.operands += rest
                return
            if word.startswith("--"):
                self._long(word, rest)
            elif word.startswith("-") and word != "-":
                self._short(word, rest)
            else:
                self.operands.append(word)
                if not self._grammar.interspersed:
                    self.operands += rest
                    return

    def _long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        if not name:
            raise self._grammar.error(f"bad flag syntax: {word}")
        flag = self.by_name.get(name)
        if flag is None:
            self._refuse_known(name, long=True)
            near = nearest(name, self.by_name)
            raise self._grammar.error(
                f"unknown flag: --{name}", hint=f"Did you mean --{near}?" if near else ""
            )
        if equals:
            self._set(flag, value, f"--{name}")
        elif not flag.value:
            self._set(flag, "true", f"--{name}")
        elif rest:
            self._set(flag, rest.pop(0), f"--{name}")
        else:
            raise self._grammar.error(f"flag needs an argument: --{name}")

    def _short(self, word: str, rest: list[str]) -> None:
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self._by_short.get(letter)
            if flag is None:
                self._refuse_known(letter, long=False)
                if letter == "h":
                    self.given["help"] = ["true"]
                    continue
                raise self._grammar.error(f"unknown shorthand flag: '{letter}' in {word}")
            if letters.startswith("="):
                self._set(flag, letters[1:], f"-{letter}, --{flag.name}")
                return
            if not flag.value:
                self._set(flag, "true", f"-{letter}, --{flag.name}")
            elif letters or rest:
                self._set(flag, letters or rest.pop(0), f"-{letter}, --{flag.name}")
                return
            else:
                raise self._grammar.error(f"flag needs an argument: '{letter}' in {word}")

    def _refuse_known(self, name: str, *, long: bool) -> None:
        for names, instead in self._grammar.refused.items():
            full, _, short = names.partition("/")
            if name == (full if long else short):
                shown = f"--{full}" if long else f"-{short} (--{full})"
                raise UnsupportedError(
                    f"{self._grammar.command} {shown} is not available in this version of "
                    "container-magics",
                    hint=instead,
                )

    def _set(self, flag: Flag, value: str, spelled: str) -> None:
        if not flag.value and value not in TRUE | FALSE:
            raise self._grammar.error(
                f'invalid argument "{value}" for "{spelled}" flag: '
                f'strconv.ParseBool: parsing "{value}": invalid syntax'
            )
        self.given.setdefault(flag.name, []).append(value)
