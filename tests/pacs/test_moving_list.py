"""A list of an archive that changes while it is read, page by page."""

from __future__ import annotations

import pytest
from support.weather import bad_weather

from pacs.dicomweb import DicomWeb
from retrieval.readers.archive import Address


@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_is_deleted_while_a_list_is_read_hides_no_other_series(tmp_path, at):
    with bad_weather(tmp_path) as weather:
        keys = [(f"1.{number:02d}", "1.1") for number in range(25)]
        weather.most, weather.series = 10, {key: {"1.2": b""} for key in keys}

        def deleted(kind, n):
            if kind == "series" and n == at:
                del weather.series[keys[7]]

        weather.fail = deleted
        found = [tuple(one.key) for one in DicomWeb(Address.parse(weather.address)).series()]
    assert found.count(keys[7]) <= 1
    assert sorted({*found, keys[7]}) == keys
    assert len(found) == len(set(found))
