"""Reasons why a slide is refused: none names a file, a path, or what a file holds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.slides import tissue_image, write_dicom_slide

from retrieval.errors import PictureError
from retrieval.readers.slides.opening import open_slide

PARTS = "NoJpegColumns=1\nNoJpegRows=1\nImageFile=ZEBRA: a.jpg\nMapFile=ZEBRA map.jpg\n"
VMS = f"[Virtual Microscope Specimen]\n{PARTS}OptimisationFile=ZEBRA.opt\nMacroImage=ZEBRA.jpg\n"


def _mirax(path):
    path.write_bytes(cv2.imencode(".jpg", np.full((64, 64, 3), 200, np.uint8))[1].tobytes())


def _unread(path):
    """Write a slide whose image is no JPEG, in a file whose name holds a colon."""
    path.write_text(VMS)
    for name in ("ZEBRA: a.jpg", "ZEBRA map.jpg", "ZEBRA.jpg", "ZEBRA.opt"):
        (path.parent / name).write_bytes(b"no image")


def _mirax_text(path):
    _mirax(path)
    path.with_suffix("").mkdir()
    (path.with_suffix("") / "Slidedat.ini").write_text("[GENERAL]\nZEBRA JOHN\n")


CASES = {
    "folder.mrxs": (_mirax, "named as the file is"),
    "text.mrxs": (_mirax_text, "."),
    "lacking.vms": (lambda path: path.write_text(VMS), "a file of it: No such file"),
    "unread.vms": (_unread, "OpenSlide refuses it"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_relative", [False, True])
def test_no_reason_of_a_scanner_names_a_file_or_what_it_holds(
    tmp_path, monkeypatch, case, is_relative
) -> None:
    pytest.importorskip("openslide")
    folder = tmp_path / "ZEBRA^JOHN"
    folder.mkdir()
    write, reason = CASES[case]
    path = folder / f"ZEBRA_{case}"
    write(path)
    if is_relative:
        monkeypatch.chdir(folder)
        path = path.relative_to(folder)
    with pytest.raises(PictureError, match=reason) as caught, open_slide(path):
        pass
    assert "ZEBRA" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_no_reason_of_wsidicom_is_passed_on(tmp_path, monkeypatch) -> None:
    wsidicom = pytest.importorskip("wsidicom")

    def refuse(files):
        raise ValueError(f"cannot open {files[0]}")

    monkeypatch.setattr(wsidicom.WsiDicom, "open", refuse)
    path = write_dicom_slide(tmp_path / "ZEBRA.dcm", tissue_image(256, 256))
    with pytest.raises(PictureError, match="wsidicom refuses it") as caught, open_slide(path):
        pass
    assert "ZEBRA" not in str(caught.value)
