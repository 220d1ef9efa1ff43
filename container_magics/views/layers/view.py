"""The layers of an image or a container: how large, made by what, holding which files."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...analysis.efficiency import Efficiency, efficiency
from ...analysis.file_tree import FileNode, changed_files, find, level, present_files
from ...analysis.layer_index import ChangeKind, LayerIndex
from ...engines.contents import Contents
from ...errors import NotFoundError, UsageError
from ..table import Column, Table
from ..text import visible
from ..units import human_size
from ..widget import LiveView, key_of, path_of
from .html import layers_html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["LayersView"]

_MOST_CHILDREN = 500
_SHOWN_BYTES = 64 << 10
_MOST_READ = 1 << 30
_CHUNK = 1 << 20
_TREES_KEPT = 6
_INSTRUCTION = 300
_MOST_WASTED = 50


class LayersView(LiveView):
    """The layers of one image or container.

    Attributes:
        index: what every layer changes.
        efficiency: what of it is wasted, by dive's definitions.
    """

    front_end_module = "layers"
    invitation = "choose a layer and search and open its files"

    def __init__(self, contents: Contents, name: str) -> None:
        self.index = LayerIndex(contents)
        self.efficiency: Efficiency = efficiency(self.index)
        self.name = name
        self._trees: OrderedDict[tuple[int, bool], FileNode] = OrderedDict()

    # --- values ---

    def table(self) -> Table:
        """A row for each layer, the lowest first."""
        columns = [
            Column("layer", "LAYER", numeric=True),
            Column("size", "SIZE", human_size, numeric=True),
            Column("added", "ADDED", numeric=True),
            Column("changed", "CHANGED", numeric=True),
            Column("removed", "REMOVED", numeric=True),
            Column("instruction", "INSTRUCTION", lambda text: visible(text, 80)),
        ]
        rows = [
            {
                "layer": layer.number,
                "size": layer.size,
                **{kind.value: count for kind, count in layer.counts.items()},
                "instruction": layer.instruction,
                "diff_id": layer.diff_id,
            }
            for layer in self.index.layers
        ]
        return Table(columns, rows)

    def frame(self) -> pd.DataFrame:
        """A row for each layer: sizes in bytes, numbers of files added, changed and removed."""
        return self.table().frame()

    def files(self, layer: int | None = None) -> pd.DataFrame:
        """A row for each path that a layer changes; of one layer, or of all.

        Args:
            layer: its number, from 1.

        Raises:
            UsageError: there is no such layer.
        """
        import pandas as pd

        chosen = self.index.layers if layer is None else [self.index.layers[self._number(layer)]]
        rows = [
            (
                each.number,
                f"/{change.path}",
                change.kind.value,
                change.size,
                stat.filemode(change.entry.mode),
                change.entry.uid,
                change.entry.gid,
                change.entry.link,
            )
            for each in chosen
            for change in each.changes
        ]
        names = ["layer", "path", "change", "size", "mode", "uid", "gid", "link"]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=names)
        return frame

    def wasted(self) -> Table:
        """The paths that waste bytes, most first."""
        columns = [
            Column("count", "COUNT", numeric=True),
            Column("size", "WASTED", human_size, numeric=True),
            Column("path", "PATH"),
        ]
        rows = [
            {"count": each.count, "size": each.size, "path": each.path}
            for each in self.efficiency.paths
        ]
        return Table(columns, rows)

    def read(self, path: str, layer: int | None = None) -> bytes:
        """The content of a file.

        Args:
            path: absolute in the image; symlinks are followed inside it.
            layer: as this layer (from 1) has it; as the whole image has it for None.

        Raises:
            NotFoundError: there is no regular file.
            UsageError: there is no such layer, or the file has more than 1 GiB.
        """
        return b"".join(self._chunks(path, layer))

    def extract(
        self, path: str, target: str | os.PathLike[str] = ".", layer: int | None = None
    ) -> Path:
        """Write a file of the image into a folder or to a path; gives where it is.

        Raises:
            UsageError: something is there already, or it cannot be written.
            NotFoundError: as `read`.
        """
        place = Path(target)
        if place.is_dir():
            place /= os.path.basename(path.rstrip("/"))  # noqa: PTH119 - a path in the image
        chunks = self._chunks(path, layer)
        try:
            with place.open("xb") as file:
                try:
                    for chunk in chunks:
                        file.write(chunk)
                except BaseException:
                    place.unlink(missing_ok=True)
                    raise
        except FileExistsError:
            raise UsageError(f"{place} is there already", hint="Name another target.") from None
        except OSError as error:
            raise UsageError(f"cannot write {place}: {error.strerror}") from error
        return place

    def figure(self) -> Figure:
        """A bar for each layer; a new matplotlib figure of no pyplot state."""
        from .figure import layers_figure

        return layers_figure(self.name, self.index)

    # --- forms ---

    def __str__(self) -> str:
        found = self.efficiency
        return (
            f"{visible(self.name)}: {human_size(self.index.size)} in "
            f"{len(self.index.layers)} layers, efficiency {found.score:.2%}, "
            f"{human_size(found.wasted)} wasted\n{self.table()}"
        )

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return layers_html(self.name, self.index, self.efficiency)

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        found = self.efficiency
        return {
            "name": visible(self.name),
            "size": self.index.size,
            "efficiency": found.score,
            "wasted": found.wasted,
            "userWasted": found.user_wasted_percent,
            "layers": [
                {
                    "number": layer.number,
                    "size": layer.size,
                    "instruction": visible(layer.instruction, _INSTRUCTION),
                    **{kind.value: count for kind, count in layer.counts.items()},
                }
                for layer in self.index.layers
            ],
            "wastedPaths": [
                {"path": visible(each.path), "count": each.count, "size": each.size}
                for each in found.paths[:_MOST_WASTED]
                if each.size
            ],
            "wastedCount": len(found.paths),
        }

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "level": self._answer_level,
            "find": self._answer_find,
            "view": self._answer_view,
            "extract": self._answer_extract,
        }

    def _answer_level(self, layer: int, key: str, everything: bool, skip: int = 0) -> Any:  # noqa: ANN401
        nodes = level(self._tree(layer, everything), path_of(key))
        rows = [
            _row(node, f"{key}/{key_of(node.name)}".lstrip("/"))
            for node in nodes[skip : skip + _MOST_CHILDREN]
        ]
        return {"rows": rows, "total": len(nodes)}

    def _answer_find(self, layer: int, text: str, kinds: list[str], everything: bool) -> Any:  # noqa: ANN401
        wanted = [kind for kind in ChangeKind if kind.value in kinds]
        found, total = find(self._tree(layer, everything), text, wanted)
        rows = [{**_row(node, key_of(path)), "name": visible(path)} for path, node in found]
        return {"rows": rows, "total": total}

    def _answer_view(self, layer: int, key: str) -> Any:  # noqa: ANN401
        data, whole = b"", True
        for chunk in self._chunks(path_of(key), layer):
            data += chunk
            if len(data) > _SHOWN_BYTES:
                data, whole = data[:_SHOWN_BYTES], False
                break
        return {"text": _shown(data), "whole": whole}

    def _answer_extract(self, layer: int, key: str) -> Any:  # noqa: ANN401
        return {"path": visible(str(self.extract(path_of(key), ".", layer).absolute()))}

    def _number(self, layer: int) -> int:
        if not 1 <= layer <= len(self.index.layers):
            raise UsageError(
                f"{self.name} has no layer {layer}",
                hint=f"Its layers are 1 to {len(self.index.layers)}.",
            )
        return layer - 1

    def _tree(self, layer: int, everything: bool) -> FileNode:
        self._number(layer)
        key = (layer, everything)
        tree = self._trees.pop(key, None)
        if tree is None:
            tree = (present_files if everything else changed_files)(self.index, layer)
        self._trees[key] = tree
        while len(self._trees) > _TREES_KEPT:
            self._trees.popitem(last=False)
        return tree

    def _chunks(self, path: str, layer: int | None) -> Any:  # noqa: ANN401 - an iterator of bytes
        at = len(self.index.layers) if layer is None else self._number(layer) + 1
        _, node = self.index.trees[at].resolve(path)
        if node is None or not stat.S_ISREG(node.entry.mode):
            what = "a directory" if node is not None and node.is_directory else "no regular file"
            shown = f"/{path.lstrip('/')}"
            raise NotFoundError(f"no such file: {shown}" if node is None else f"{shown} is {what}")
        if node.entry.size > _MOST_READ:
            raise UsageError(f"/{path.lstrip('/')} has {human_size(node.entry.size)}: too large")
        return self._content(int(str(node.layer)), node.place, node.entry.size)

    def _content(self, number: int, place: str, size: int) -> Any:  # noqa: ANN401
        if not size:
            return
        with self.index.contents.layers[number - 1].open(place) as file:
            while data := file.read(_CHUNK):
                yield data


def _row(node: FileNode, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "name": visible(node.name),
        "kind": node.kind,
        "mode": stat.filemode(node.mode)[1:] if node.described else "",
        "owner": f"{node.uid}:{node.gid}" if node.described else "",
        "link": visible(node.link),
        "change": node.change.value if node.change else "",
        "size": node.size,
        "files": node.files,
    }


def _shown(data: bytes) -> str:
    """A file's beginning as text, or as a hex dump where it is none."""
    if b"\0" not in data:
        text = data.decode("utf-8", "replace")
        if text.count("\ufffd") * 20 <= len(text):
            return "\n".join(visible(line, 2000) for line in text.expandtabs(8).split("\n"))
    lines = []
    for offset in range(0, min(len(data), 1024), 16):
        part = data[offset : offset + 16]
        printable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{offset:08x}  {part.hex(' '):<47}  {printable}")
    return "\n".join(lines)
