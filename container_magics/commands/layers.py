"""`layers`: what each layer of an image holds, and thresholds for CI as dive has them."""

from __future__ import annotations

import json
from typing import Any

from ..engines.images import Image, ImageSummary
from ..errors import ThresholdError, UsageError
from ..views.layers.view import LayersView
from ..views.units import human_size
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar
from .looking import contents_of, name_of
from .results import Record
from .session import Session, current

__all__ = ["LAYERS", "layers"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_CI_EFFICIENCY = "0.9"
_CI_USER_WASTED = "0.1"


def layers(image: str | Image | ImageSummary, *, session: Session | None = None) -> LayersView:
    """Look at the layers of an image, or of a container that ended and was kept.

    Args:
        image: a name, an ID, or an image value.
        session: whose engine to ask; the notebook's by default.

    Raises:
        NotFoundError: there is no such image; the hint has the nearest names.
        CorruptArchiveError, StoreError: a layer is damaged.
    """
    engine = (session or current()).engine
    contents = contents_of(engine, image)
    return LayersView(contents, contents.container or name_of(image))


def _layers(arguments: Arguments, call: Call) -> LayersView | Record:
    limits = _limits(arguments)
    view = layers(arguments.operands[0], session=call.session)
    _check(view, limits)
    if arguments.on("json"):
        document = _document(view)
        return Record(document, json.dumps(document, indent=2))
    return view


def _limits(arguments: Arguments) -> dict[str, float]:
    ci = arguments.on("ci")
    given = {
        "lowest-efficiency": _CI_EFFICIENCY if ci else "",
        "highest-wasted-bytes": "",
        "highest-user-wasted-percent": _CI_USER_WASTED if ci else "",
    }
    limits = {}
    for name, default in given.items():
        text = arguments.one(name) or default
        if text and text != "disabled":
            limits[name] = _number(name, text)
    return limits


def _number(flag: str, text: str) -> float:
    digits = text.rstrip("kKMGBb")
    unit = text[len(digits) :].upper()
    try:
        value = float(digits) * (_UNITS[unit] if flag == "highest-wasted-bytes" else 1)
    except (ValueError, KeyError):
        value = -1.0
    if not value >= 0 or (flag != "highest-wasted-bytes" and (unit or value > 1)):
        wanted = "bytes, such as 20MB" if flag == "highest-wasted-bytes" else "from 0 to 1"
        raise UsageError(f'invalid argument "{text}" for "--{flag}" flag: it is {wanted}')
    return value


def _check(view: LayersView, limits: dict[str, float]) -> None:
    found = view.efficiency
    failed = []
    if found.score < limits.get("lowest-efficiency", 0):
        failed.append(
            f"efficiency {found.score:.4f} is below {limits['lowest-efficiency']:g}"
            " (--lowest-efficiency)"
        )
    if found.wasted > limits.get("highest-wasted-bytes", float("inf")):
        most = human_size(limits["highest-wasted-bytes"])
        failed.append(f"{human_size(found.wasted)} wasted is above {most} (--highest-wasted-bytes)")
    if found.user_wasted_percent > limits.get("highest-user-wasted-percent", float("inf")):
        failed.append(
            f"{found.user_wasted_percent:.4f} of the bytes above the lowest layer are wasted, "
            f"more than {limits['highest-user-wasted-percent']:g} (--highest-user-wasted-percent)"
        )
    if failed:
        worst = [f"{human_size(each.size)} {each.path}" for each in found.paths[:5] if each.size]
        raise ThresholdError(
            f"{view.name} fails: " + "; ".join(failed),
            hint="Most is wasted by: " + ", ".join(worst) if worst else "",
        )


def _document(view: LayersView) -> dict[str, Any]:
    """The keys are those of dive's `--json` where dive has them."""
    found = view.efficiency
    return {
        "layer": [
            {
                "index": layer.number - 1,
                "digestId": layer.diff_id,
                "sizeBytes": layer.size,
                "command": layer.instruction,
                **{key: row[key] for key in ("added", "changed", "removed")},
            }
            for layer, row in zip(view.index.layers, view.table(), strict=True)
        ],
        "image": {
            "id": view.index.contents.image.id,
            "sizeBytes": view.index.size,
            "inefficientBytes": found.wasted,
            "efficiencyScore": found.score,
            "userWastedPercent": found.user_wasted_percent,
            "fileReference": [
                {"count": each.count, "sizeBytes": each.size, "file": each.path}
                for each in found.paths
            ],
        },
    }


LAYERS = Command(
    Grammar(
        "layers",
        "[OPTIONS] IMAGE|CONTAINER",
        "Show what each layer holds and what is wasted",
        least=1,
        most=1,
        flags=(
            Flag("json", "print JSON, with the keys of dive's"),
            Flag("ci", "fail as dive's CI mode: efficiency below 0.9, user wasted above 0.1"),
            Flag("lowest-efficiency", "fail below this, from 0 to 1", value="SHARE"),
            Flag("highest-wasted-bytes", "fail above this, such as 20MB", value="BYTES"),
            Flag("highest-user-wasted-percent", "fail above this, from 0 to 1", value="SHARE"),
        ),
        called="layers",
    ),
    _layers,
)
