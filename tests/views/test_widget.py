"""A live view's side of the conversation with its front end."""

from __future__ import annotations

import os
import signal

import pytest

from container_magics.errors import NotFoundError
from container_magics.views import widget
from container_magics.views.widget import LiveView


class Asked(LiveView):
    front_end_module = "layers"
    invitation = "ask"

    def __str__(self) -> str:
        return "asked"

    def static_html(self) -> str:
        return "<b>asked</b>"

    def start(self):
        return {"begin": 1}

    def questions(self):
        return {
            "add": lambda one, two: one + two,
            "parts": self._parts,
            "missing": self._missing,
            "broken": lambda: 1 / 0,
            "long": lambda: os.kill(os.getpid(), signal.SIGINT),
        }

    def _parts(self):
        yield 1
        yield 2
        return "end"

    def _missing(self):
        raise NotFoundError("no such file", hint="Look elsewhere.")


@pytest.fixture
def ask(monkeypatch):
    """Send a question as the front end does; what is sent back."""
    model, _ = widget._open_model(Asked(), "cm-test")
    sent = []
    monkeypatch.setattr(model, "send", lambda content, buffers=None: sent.append(content))

    def ask(question, **fields):
        sent.clear()
        model._handle_custom_msg({"id": 7, "question": question, **fields}, [])
        return list(sent)

    assert (model.marker, model.start) == ("cm-test", {"begin": 1})
    yield ask
    model.close()


def test_a_question_gets_its_answer(ask):
    assert ask("add", one=1, two=2) == [{"id": 7, "answer": 3}]


def test_a_generator_sends_parts_before_the_answer(ask):
    assert ask("parts") == [{"id": 7, "part": 1}, {"id": 7, "part": 2}, {"id": 7, "answer": "end"}]


def test_an_error_is_told_in_its_own_words(ask):
    assert ask("missing") == [{"id": 7, "error": "no such file\nLook elsewhere."}]


def test_an_unknown_question_is_told(ask):
    assert ask("nothing") == [{"id": 7, "error": "this view answers no question 'nothing'"}]


def test_a_mistake_of_ours_is_told_too(ask):
    assert ask("broken") == [{"id": 7, "error": "ZeroDivisionError: division by zero"}]


def test_an_interrupt_ends_an_answer_also_where_the_kernel_ignores_it(ask):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ask("long") == [{"id": 7, "error": "interrupted"}]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_terminal_it_is_text(capsys):
    Asked()._ipython_display_()
    assert capsys.readouterr().out == "asked\n"
