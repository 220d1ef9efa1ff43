"""Images side by side: shared layers, bases, bytes to pull, cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from container_magics.analysis.comparison import Comparison, compare_contents, pull_time
from container_magics.engines.contents import TransferSize
from tests.engines.embedded.material import layer_tar

BASE = layer_tar({"base": b"b" * 1000})
LIBRARY = layer_tar({"library": b"l" * 200})


def app(number: int) -> bytes:
    return layer_tar({"app": bytes([number]) * number})


@pytest.fixture
def made(engine, contents):
    """Contents of some images, each by its label, and all that the engine has."""

    def make(**images: tuple[bytes, ...]) -> Comparison:
        loaded = {
            label: contents(*layers, name=f"{label}:test") for label, layers in images.items()
        }
        known = [engine.image(summary.id) for summary in engine.images()]
        return compare_contents(loaded, known)

    return make


def test_a_shared_layer_is_known_wherever_it_lies_and_counted_once(made):
    found = made(one=(BASE, app(10)), two=(BASE, LIBRARY, app(20)), three=(LIBRARY,))
    one, two, three = found.images
    assert [layer.shared_with for layer in one.layers] == [("two",), ()]
    assert [layer.shared_with for layer in two.layers] == [("one",), ("three",), ()]
    assert (one.shared_size, two.shared_size, three.shared_size) == (1000, 1200, 200)
    assert found.apart == 1010 + 1220 + 200
    assert found.together == 1000 + 200 + 10 + 20


def test_the_base_is_the_largest_image_that_an_image_begins_with(made):
    found = made(base=(BASE,), wide=(BASE, LIBRARY), one=(BASE, LIBRARY, app(5)), other=(app(7),))
    base, wide, one, other = found.images
    assert (base.base.name, base.base.size) == ("", 0)
    assert (wide.base.name, wide.base.size) == ("base:test", 1000)
    assert (one.base.name, one.base.layers, one.own_size) == ("wide:test", 2, 5)
    assert (other.base.name, other.own_size) == ("", 7)


def test_without_such_an_image_it_is_the_lowest_layer(made):
    (one,) = made(one=(BASE, app(5))).images
    assert (one.base.name, one.base.size, one.own_size) == ("its lowest layer", 1000, 5)


def test_an_image_without_a_name_and_an_empty_one_are_nobodys_base(made, engine):
    made(base=(BASE,), empty=())
    engine.tag("base:test", "other:test")
    found = made(base=(LIBRARY,), one=(BASE, app(5)))
    assert found.images[1].base.name == "other:test"
    engine.remove_image("other:test", prune=False)
    assert made(one=(BASE, app(5))).images[0].base.name == "its lowest layer"


def test_many_versions_on_many_nodes_cost_the_base_once_a_node(made):
    (one,) = made(one=(BASE, app(5))).images
    assert one.cost(1, 1) == one.size == 1005
    assert one.cost(10, 20) == 20 * (1000 + 10 * 5)


@dataclass
class Told:
    """A layer whose bytes to pull a registry has told."""

    layer: object
    told: TransferSize

    def __getattr__(self, name: str) -> object:
        return getattr(self.layer, name)

    def transfer_size(self) -> TransferSize:
        return self.told


def test_bytes_to_pull_are_measured_only_where_all_layers_are(contents):
    def told(*measured: bool) -> TransferSize:
        given = contents(BASE, app(5))
        layers = [
            Told(layer, TransferSize(100, known))
            for layer, known in zip(given.layers, measured, strict=True)
        ]
        return compare_contents({"a": replace(given, layers=layers)}).images[0].transfer

    assert told(True, True) == TransferSize(200, measured=True)
    assert told(True, False) == TransferSize(200, measured=False)


def test_a_built_layer_is_estimated_by_its_compressed_bytes(made):
    (one,) = made(one=(layer_tar({"zeros": bytes(1_000_000)}),)).images
    assert one.transfer.measured is False
    assert 0 < one.transfer.size < 10_000


def test_the_time_is_bits_by_bandwidth():
    assert pull_time(803_000_000, 100) == pytest.approx(64.24)


def test_an_image_without_layers_and_one_of_as_many_as_there_can_be(made):
    found = made(empty=(), tall=tuple(layer_tar({f"f{n}": b"x" * n}) for n in range(125)))
    empty, tall = found.images
    assert (empty.size, empty.layers, empty.transfer.size, empty.cost(3, 4)) == (0, (), 0, 0)
    assert len(tall.layers) == 125
    assert tall.size == sum(range(125))
