"""What a YAML file of instruments can say, and where it is wrong when it is."""

from pathlib import Path

import pytest

from cli.instruments.file import read_instruments
from cli.yaml_file import FileError
from svc_match.core.instrument import TickBand, wrong_field
from svc_match.wire import reference

ONE = "instruments:\n- {symbol: A, currency: EUR, tick_size: 0.01, max_price: 10, max_quantity: 1, "


def test_the_example_has_instruments_that_the_core_takes() -> None:
    """docs/instruments.yaml, with ticks by price and a largest notional."""
    found = [reference.instrument(one) for one in read_instruments(Path("docs/instruments.yaml").read_bytes(), [0])]
    assert [wrong_field(one, 0) for one in found] == [""] * len(found)
    cork = next(one for one in found if one.symbol == "CORK")
    assert cork.tick_bands == (TickBand(10_000, 50), TickBand(100_000, 100))
    assert [cork.tick_at(price) for price in (9_999, 10_000, 99_999, 100_000)] == [10, 50, 50, 100]
    assert cork.max_notional_e4 == 5_000_000_0000


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ("tick_bands: 5}", "2:91"),
        ("tick_bands: [5]}", "2:92"),
        ("tick_bands: [{price_from: 1}]}", "2:92"),
        ("tick_bands: [{price_from: 1, tick_size: 0.00001}]}", "2:119"),
        ("tick_bands: [{price_from: 1, tick_size: 1, colour: red}]}", "2:122"),
        ("max_notional: much}", "2:93"),
        ("limit_band_bp: 2_147_483_648}", "2:94"),
        (f"limit_band_bp: {'9' * 5_000}}}", "2:94"),
        ("limit_band_bp: \u0665}", "2:94"),
    ],
)
def test_what_cannot_be_read_has_a_place(more: str, place: str) -> None:
    """Line and column of the value, or of the list's entry."""
    with pytest.raises(FileError, match=f"^{place}: "):
        read_instruments((ONE + more).encode(), [0])
