"""A view that people manipulate: a static form, and a widget in its place while the kernel lives.

    Python value ──► static form (HTML, text)       what is saved, exported, read without a kernel
          └────────► model (anywidget) ──► front.js + the view's own module
                          ▲                    │ finds the static form in the page, hides it,
                          └──── questions ─────┘ and draws the live view in its place

The model has no output of its own: a notebook that is opened again would show only "model not
found" in its place. Its front end finds the static form by a class of its own.

Front ends are plain ES modules beside the Python, joined here: no build, no Node.js, no CDN.
"""

from __future__ import annotations

import posixpath
import re
import secrets
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from importlib import resources
from types import GeneratorType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ..errors import ContainerMagicsError
from .html import FAINT, NO_MATH, escape

if TYPE_CHECKING:
    from anywidget import AnyWidget

__all__ = ["LiveView", "Page", "front_end", "key_of", "path_of"]

_IMPORT = re.compile(r"^import\s[^;]*?from\s+\"(\.[\w./]+\.js)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|function|class|async)\b)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default .*;\n", re.MULTILINE)
_MOST_ALIVE = 24
_alive: deque[Page] = deque()


class LiveView(ABC):
    """Base of the views that are widgets.

    `str()` is the form for a terminal, `static_html` the one that is saved. In a notebook the view
    displays itself once; showing it again opens another.
    """

    front_end_module: str
    """The name of its front-end module, without `.js`."""
    invitation: str
    """What the live view can do that the static form cannot, after "to"."""
    busy = False
    """Whether something runs behind it: then it stays alive, however many views come after it."""
    changes = False
    """Whether its static form changes while it is displayed."""

    @abstractmethod
    def __str__(self) -> str:
        """The view as text."""

    def __repr__(self) -> str:
        return str(self)

    @abstractmethod
    def static_html(self) -> str:
        """The view as HTML that needs no kernel and survives an untrusted notebook."""

    @abstractmethod
    def start(self) -> Mapping[str, Any]:
        """What the front end draws first, as JSON values; keep it small, for it may be saved."""

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """What the front end may ask: a function's keywords are the question's fields.

        A generator sends what it yields as parts, and what it returns as the answer.
        """
        return {}

    def shown(self, page: Page) -> None:  # noqa: B027 - most views only answer
        """The view was displayed in a notebook, by the thread of the cell."""

    def _repr_html_(self) -> str:
        return f"<div {NO_MATH}>{self.static_html()}</div>"

    def _ipython_display_(self) -> None:
        from IPython.core.getipython import get_ipython

        if not hasattr(get_ipython(), "kernel"):
            print(self)  # noqa: T201 - what IPython does with text in a terminal
            return
        page = Page(self)
        page.show()
        if page.alive:
            _keep(page)
            self.shown(page)


class Page:
    """One display of a view in a notebook: its static form, and the model of its front end.

    Args:
        view: what is displayed.

    Attributes:
        view: the same.
        alive: whether there is a model; without Jupyter widgets there is none.
    """

    def __init__(self, view: LiveView) -> None:
        self.view = view
        self._marker = f"cm-{secrets.token_hex(6)}"
        self._model, self._how = _open_model(view, self._marker)
        self.alive = self._model is not None

    def show(self) -> None:
        """Display it. The static form of a view that changes is an output of its own."""
        note = f'<div style="{FAINT};font-size:12px;margin:2px 0">{escape(self._how)}</div>'
        if self.view.changes:
            self._publish_still()
            self._publish(self._marker, note, self._how)
        else:
            self._publish(self._marker, self.view.static_html() + note, str(self.view))

    def redraw(self) -> None:
        """Replace the static form of a view that changes, where it will be saved.

        Any thread may. The live form is not touched, and keeps the focus.
        """
        self._publish_still(update=True)

    def _publish_still(self, *, update: bool = False) -> None:
        still = f"{self._marker}-still"
        self._publish(still, self.view.static_html(), str(self.view), update=update)

    def _publish(self, name: str, html: str, text: str, *, update: bool = False) -> None:
        from IPython.display import publish_display_data

        # IPython does not annotate this function.
        publish_display_data(  # type: ignore[no-untyped-call]
            {"text/html": f'<div class="{name} {NO_MATH[7:-1]}">{html}</div>', "text/plain": text},
            transient={"display_id": name},
            update=update,
        )

    def send(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Tell the front ends something that they did not ask for. Any thread may."""
        if self._model is not None:
            self._model.send(dict(message), list(buffers))

    def close(self) -> None:
        """Go back to the static form."""
        if self._model is not None:
            self._model.close()
        self.alive = False


def _open_model(view: LiveView, marker: str) -> tuple[AnyWidget | None, str]:
    """The model, and what the static form says of it."""
    try:
        kind = _model_class(view.front_end_module)
    except ImportError as error:
        return None, f"To {view.invitation}, install Jupyter widgets: pip install {error.name}"
    model = kind(marker=marker, start=dict(view.start()))
    model.on_msg(lambda widget, message, _: _answer(view, widget, message))
    # A question says in which subshell it is to be answered. ipykernel 7.4 brings it to where its
    # last message to the front end came from instead, which may be a cell that runs, and waits.
    model.comm._reply_subshell_for = lambda _data, asked: asked
    how = (
        f"To {view.invitation}, run this cell where Jupyter widgets work "
        "(JupyterLab, Notebook 7: pip install anywidget)."
    )
    return model, how


def _keep(page: Page) -> None:
    """Hold the latest pages; an older view goes back to its static form."""
    _alive.append(page)
    idle = [page for page in _alive if not page.view.busy]
    for old in idle[: max(0, len(idle) - _MOST_ALIVE)]:
        _alive.remove(old)
        old.close()


@cache
def _model_class(module: str) -> type[AnyWidget]:
    import anywidget
    import traitlets

    return type(
        module.title().replace("_", ""),
        (anywidget.AnyWidget,),
        {
            "_esm": front_end(module),
            "marker": traitlets.Unicode().tag(sync=True),
            "start": traitlets.Dict().tag(sync=True),
        },
    )


@cache
def front_end(module: str) -> str:
    """A front-end module with those that it imports put before it, as one ES module."""
    texts: dict[str, str] = {}

    def collect(place: str) -> None:
        text = resources.files(__package__).joinpath(place).read_text(encoding="utf-8")
        for imported in _IMPORT.findall(text):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(place), imported))
            if path not in texts:
                collect(path)
        texts[place] = _IMPORT.sub("", text)

    collect(f"{module}/{module}.js")
    main = texts.pop(f"{module}/{module}.js")
    return "".join(_EXPORT.sub("", _DEFAULT.sub("", text)) for text in texts.values()) + main


def _answer(view: LiveView, model: AnyWidget, message: Mapping[str, Any]) -> None:
    """Answer one question; whatever happens, the front end hears of it."""
    fields = dict(message)
    number, question = fields.pop("id", None), str(fields.pop("question", ""))

    def fail(text: str) -> None:
        model.send({"id": number, "error": text})

    ask = view.questions().get(question)
    if ask is None:
        fail(f"this view answers no question {question!r}")
        return
    try:
        with _interruptible():
            answer = ask(**fields)
        if isinstance(answer, GeneratorType):
            parts = answer
            answer = _in_main_thread(
                lambda: _parts(parts, lambda part: model.send({"id": number, "part": part}))
            )
        model.send({"id": number, "answer": answer})
    except ContainerMagicsError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("interrupted")
    except Exception as error:
        fail(f"{type(error).__name__}: {error}")
        raise


def _in_main_thread(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
    """Do what takes long where an interrupt of the kernel arrives, and wait for it.

    Once a kernel has a subshell for widgets, which is a thread, JupyterLab sends questions there.
    """

    def interruptible() -> Any:  # noqa: ANN401
        with _interruptible():
            return work()

    if threading.current_thread() is threading.main_thread():
        return interruptible()
    from IPython.core.getipython import get_ipython

    done: Future[Any] = Future()

    def call() -> None:
        try:
            done.set_result(interruptible())
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - raised where one waits
            done.set_exception(error)

    shell: Any = get_ipython()
    shell.kernel.io_loop.add_callback(call)
    return done.result()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let an interrupt of the kernel end what is being done.

    ipykernel takes SIGINT only for messages that it handles one by one, and ignores it for those of
    widgets that come while another one is not quite over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _parts(generator: Any, send: Callable[[Any], None]) -> Any:  # noqa: ANN401 - any JSON value
    while True:
        try:
            part = next(generator)
        except StopIteration as end:
            return end.value
        send(part)


def key_of(path: str) -> str:
    """A path as text that JSON can carry, also where it is not UTF-8."""
    return quote(path, safe="/", errors="surrogateescape")


def path_of(key: object) -> str:
    """The path of a key."""
    return unquote(str(key), errors="surrogateescape")
