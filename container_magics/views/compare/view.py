"""Images side by side: sizes on one scale, and the three reasons to care about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...analysis.comparison import Comparison
from ...analysis.difference import Difference, difference
from ...errors import UsageError
from ..sizes import Part, references, size_chart
from ..table import Column, Table
from ..text import visible
from ..units import human_size
from ..widget import LiveView
from .document import document, start_values
from .files import answer_find, answer_level, difference_table, summary, summary_text
from .html import compare_html
from .values import (
    BANDWIDTH,
    MODEL,
    NODES,
    VERSIONS,
    image_row,
    packages_text,
    programs_text,
    pull_seconds,
    segments,
    together_text,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["CompareView"]

_NAME = 60


class CompareView(LiveView):
    """Images compared.

    Attributes:
        comparison: what was found.
        reference: bytes that the book gives, by label.
    """

    front_end_module = "compare"
    invitation = "change the scale, the bandwidth, N and M, and compare files"

    def __init__(
        self, comparison: Comparison, reference: Mapping[str, float] | None = None
    ) -> None:
        self.comparison = comparison
        labels = [image.label for image in comparison.images]
        self.reference = references(reference or {}, labels)
        self._difference: Difference | None = None

    # --- values ---

    def table(self) -> Table:
        """A row for each image, with every column."""
        columns = [
            Column("name", "IMAGE"),
            Column("id", "IMAGE ID", lambda text: text.removeprefix("sha256:")[:12]),
            *_SIZE[:2],
            *([_REFERENCE] if self.reference else []),
            *_SIZE[2:],
            *_SECURITY,
            *_COST,
        ]
        return Table(columns, self._rows())

    def frame(self) -> pd.DataFrame:
        """A row for each image: bytes, seconds at 100 Mbit/s, cost of 10 versions on 20 nodes."""
        return self.table().frame()

    def layers_frame(self) -> pd.DataFrame:
        """A row for each layer of each image: bytes, bytes to pull, and who else has it."""
        import pandas as pd

        rows = [
            (
                image.label, layer.number, layer.size, layer.transfer.size,
                layer.transfer.measured, ", ".join(layer.shared_with), layer.instruction,
                layer.diff_id,
            )
            for image in self.comparison.images
            for layer in image.layers
        ]  # fmt: skip
        names = [
            "name", "layer", "size", "transfer", "measured", "shared_with", "instruction",
            "diff_id",
        ]  # fmt: skip
        frame: pd.DataFrame = pd.DataFrame(rows, columns=names)
        return frame

    def difference(self) -> pd.DataFrame:
        """A row for each path at which the two images differ; A is the first, B the second.

        Raises:
            UsageError: these are not two images.
        """
        return difference_table(self.files()).frame()

    def files(self) -> Difference:
        """The same as values; compared when first asked for.

        Raises:
            UsageError: these are not two images.
        """
        images = self.comparison.images
        if len(images) != 2:
            raise UsageError(
                f"files are compared for two images, and these are {len(images)}",
                hint="Name two: compare(first, second).difference()",
            )
        if self._difference is None:
            self._difference = difference(images[0].index, images[1].index)
        return self._difference

    def document(self) -> list[dict[str, Any]]:
        """The comparison as JSON values: an object for each image."""
        return document(self.comparison, self.reference)

    def figure(self) -> Figure:
        """The sizes as bars on a logarithmic scale; a new matplotlib figure of no pyplot state."""
        return size_chart(
            {image.label: image.size for image in self.comparison.images},
            reference={label: size / 1e6 for label, size in self.reference.items()},
            parts={
                image.label: [Part(each.size, each.shared) for each in segments(image)]
                for image in self.comparison.images
            },
        ).figure()

    def _rows(self) -> list[dict[str, Any]]:
        return [
            image_row(image, self.comparison, self.reference) for image in self.comparison.images
        ]

    # --- forms ---

    def __str__(self) -> str:
        rows = [
            {
                **row,
                "shells": programs_text(image.surface.shells),
                "package_managers": programs_text(image.surface.package_managers),
                "packages": packages_text(image.surface.packages),
                "transfer": f"{human_size(row['transfer'])} "
                f"{'measured' if row['measured'] else 'estimated'}",
            }
            for image, row in zip(self.comparison.images, self._rows(), strict=True)
        ]
        name = Column("name", "IMAGE", lambda text: visible(text, _NAME))
        share = Column("share", "OF LARGEST")
        performance = [
            name, _SIZE[0], share, *([_REFERENCE] if self.reference else []), _SIZE[2], _SIZE[3],
            Column("transfer", "TO PULL"), _SECONDS,
        ]  # fmt: skip
        security = [
            name, Column("user", "RUNS AS"), Column("packages", "PACKAGES"), _SECURITY[4],
            _SECURITY[5], Column("shells", "SHELL"), Column("package_managers", "PACKAGE MANAGER"),
        ]  # fmt: skip
        parts = [
            f"Performance\n{Table(performance, rows)}",
            f"Security\n{Table(security, rows)}",
            f"Cost\n{Table([name, *_COST], rows)}\n{MODEL}",
            f"{together_text(self.comparison)}.",
        ]
        if self._difference is not None:
            parts.append(f"Files\n{summary_text(self._difference, *self._names())}")
        return "\n\n".join(parts)

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return compare_html(self.comparison, self.reference)

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return start_values(self.comparison, self.reference)

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "difference": lambda: summary(self.files()),
            "level": lambda key, sides: answer_level(self.files(), key, sides),
            "find": lambda text, sides: answer_find(self.files(), text, sides),
        }

    def _names(self) -> list[str]:
        return [visible(image.label, _NAME) for image in self.comparison.images]


def _size(size: int | None) -> str:
    return "" if size is None else human_size(size)


_SECONDS = Column("seconds", f"AT {BANDWIDTH}MBIT/S", pull_seconds, numeric=True)
_REFERENCE = Column("reference", "THE BOOK", _size, numeric=True)
_SIZE = (
    Column("size", "SIZE", human_size, numeric=True),
    Column("share", "OF LARGEST"),
    Column("layers", "LAYERS", numeric=True),
    Column("shared_size", "SHARED", human_size, numeric=True),
    Column("shared_layers", "SHARED LAYERS", numeric=True),
    Column("transfer", "TO PULL", human_size, numeric=True),
    Column("measured", "MEASURED"),
    _SECONDS,
)
_SECURITY = (
    Column("shells", "SHELLS"),
    Column("package_managers", "PACKAGE MANAGERS"),
    Column("packages", "PACKAGES", lambda count: "unknown" if count is None else str(count)),
    Column("package_database", "DATABASE"),
    Column("set_uid", "SET-UID", numeric=True),
    Column("set_gid", "SET-GID", numeric=True),
    Column("user", "RUNS AS"),
)
_COST = (
    Column("base", "BASE", lambda text: visible(text, _NAME) or "none"),
    Column("base_size", "BASE SIZE", human_size, numeric=True),
    Column("own_size", "ABOVE IT", human_size, numeric=True),
    Column("cost", f"{VERSIONS} VERSIONS ON {NODES} NODES", human_size, numeric=True),
)
