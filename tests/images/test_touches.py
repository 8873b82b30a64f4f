"""The touch index decides nothing: whole, cut off at any byte, damaged or gone, what may have been touched is always among its answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from makewhole.adapters.images import touches

DAY = "2026-11-23"
TOLD = {i: [f"N{n}" for n in range(i, i + 5)] for i in (1, 3, 7)}


def made(folder: Path) -> touches.Touches:
    """An index of three images."""
    index = touches.Touches(folder)
    for image, numbers in TOLD.items():
        index.add(DAY, image, [("order", numbers)])
        index.add(DAY, image, [("order", numbers)])
    return index


def test_it_tells_which_images_touched_an_order(tmp_path: Path) -> None:
    """And those that it knows nothing of, as they may have; a day twice added is told once."""
    index = made(tmp_path)
    assert index.images(DAY) == {1, 3, 7}
    assert index.touched(DAY, [1, 3, 7], [("order", "N5")]) == [1, 3]
    assert index.touched(DAY, [1, 3, 5, 7], [("order", "N9"), ("item", "N1")]) == [5, 7]
    assert index.touched("2026-11-24", [8, 9], [("order", "N1")]) == [8, 9]


@pytest.mark.slow
def test_cut_off_or_damaged_it_never_hides_an_image(tmp_path: Path) -> None:
    """At every byte: what is not whole any more is read; adding mends the end."""
    made(tmp_path / "whole")
    raw = (tmp_path / "whole" / DAY).read_bytes()
    for at in range(len(raw)):
        bits = [(f"bit{bit}", raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]) for bit in range(8)]
        for name, spoilt in (("cut", raw[:at]), *bits):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            (folder / DAY).write_bytes(spoilt)
            index = touches.Touches(folder)
            for image, numbers in TOLD.items():
                assert image in index.touched(DAY, list(TOLD), [("order", numbers[0])]), (name, at, image)
    (tmp_path / "cut" / DAY).write_bytes(raw[:-3])
    index = touches.Touches(tmp_path / "cut")
    index.add(DAY, 9, [("item", ["N2"]), ("order", ["N1", "N1"])])
    assert index.images(DAY) == {1, 3, 9}
    assert 9 in index.touched(DAY, [9], [("order", "N1")])
    assert 9 in index.touched(DAY, [9], [("item", "N2")])
    assert index.touched(DAY, [9], [("item", "N1")]) == []
