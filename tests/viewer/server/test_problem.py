"""Problems: of which kind an error is, and what of its message another machine may read."""

from __future__ import annotations

import pytest

from retrieval.errors import IndexFolderError, OptionError, PictureError, SettingError
from viewer.server.problem import Kind, not_found, refusal_of, without_paths


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/someone/scans/a.png: is away", "a.png: is away"),
        ("cannot open '/srv/x.index/segments'", "cannot open 'segments'"),
        (r"C:\Users\someone\a.dcm, line 3", "a.dcm, line 3"),
        ("ct/12.dcm: there is no frame 9", "ct/12.dcm: there is no frame 9"),
        ("begin it with https://example.org", "begin it with https://example.org"),
        ("120,80,64,64 is outside the image (x / y)", "120,80,64,64 is outside the image (x / y)"),
    ],
)
def test_of_a_path_only_its_last_part_is_told(text, shown):
    assert without_paths(text) == shown


@pytest.mark.parametrize(
    ("error", "kind", "argument"),
    [
        (OptionError("is no box", "region"), Kind.BAD_REGION, "region"),
        (OptionError("is too large", "k"), Kind.BAD_ASK, "k"),
        (SettingError("where: expected a value at position 3"), Kind.BAD_FILTER, "where"),
        (SettingError("by: no representation 'x'"), Kind.BAD_ASK, "by"),
        (PictureError("a.png: truncated"), Kind.UNREADABLE, None),
        (IndexFolderError("/my scans/x.index: changes too fast"), Kind.GONE, None),
        (PermissionError(13, "Permission denied", "/srv/x"), Kind.GONE, None),
        (not_found("frame 3"), Kind.NOT_FOUND, None),
    ],
)
def test_errors_are_of_a_kind(error, kind, argument):
    found = refusal_of(error)
    assert (found.kind, found.argument) == (kind, argument)
    assert "/my" not in found.message and "/srv" not in found.message and found.message


def test_the_folder_of_an_index_is_not_told():
    assert refusal_of(IndexFolderError("/my scans/x.index: changes")).message == "the index: changes"


def test_what_nobody_has_foreseen_is_no_refusal():
    assert refusal_of(RuntimeError("why")) is None
