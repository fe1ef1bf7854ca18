"""What is fuzzed: generated inputs of every kind that a user can hand over, and what reads each."""

from __future__ import annotations

import bz2
import gzip
import json
import math
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import nibabel as nib
import numpy as np
import tifffile
from PIL import Image
from support.dicom_files import BIG_ENDIAN, item, texture, write_dicom
from support.drawings import draw_numbered
from support.fuzz_mutations import mend_gzip, mend_png

from retrieval.readers import read_pictures

GREY, DEEP, RGB = texture(0), texture(1, (12, 16), 4095), texture(2, (12, 16, 3))
DEFLATED, RLE, JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"
JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
SEG, STRUCTURES = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"


@dataclass(frozen=True)
class Target:
    """A reader of something.

    Parameters
    ----------
    seeds : makes the inputs that are mutated, given an empty folder.
    read : reads a mutated one, the file at a path, in a folder of its own; what it raises is judged.
    name : of that file.
    decodes : whether pixels are decoded.
    mend : puts checksums of a mutated input right.
    share : how many inputs it gets for one of an image format, as they cost more or less.
    """

    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    name: str
    decodes: bool = True
    mend: Callable[[bytes], bytes] = bytes
    share: float = 1.0


def _pictures(path: Path) -> None:
    for n, picture in enumerate(read_pictures(path, path.name)):
        assert picture.pixels.dtype == np.float32
        if n > 50:
            break


def _files(make: Callable[[Path], object]) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        make(folder)
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    return seeds


def _dicom(folder: Path) -> None:
    about = {
        "Modality": "CT",
        "WindowCenter": "40",
        "WindowWidth": "400",
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
    }
    write_dicom(folder / "a", DEEP, stored=12, PatientID="7", PixelSpacing=[1, 2], **about)
    write_dicom(folder / "b", np.stack([GREY] * 3), ImagePositionPatient=[0, 0, 1])
    write_dicom(folder / "c", RGB)
    write_dicom(folder / "d", DEEP, syntax=BIG_ENDIAN)
    write_dicom(folder / "e", GREY, syntax=DEFLATED)
    palette = {f"{c}PaletteColorLookupTableDescriptor": [256, 0, 8] for c in ("Red", "Green", "Blue")}
    palette |= {f"{c}PaletteColorLookupTableData": bytes(range(256)) for c in ("Red", "Green", "Blue")}
    write_dicom(folder / "f", GREY, PhotometricInterpretation="PALETTE COLOR", **palette)


def _dicom_compressed(folder: Path) -> None:
    rle = b"\x01" + bytes(3) + b"\x40" + bytes(59) + imagecodecs.packbits_encode(GREY.tobytes())
    frames = {
        JPEG: imagecodecs.jpeg8_encode(GREY),
        JPEG_LS: imagecodecs.jpegls_encode(GREY),
        JPEG_2000: imagecodecs.jpeg2k_encode(GREY, codecformat="j2k"),
        RLE: rle,
    }
    for n, (syntax, frame) in enumerate(frames.items()):
        write_dicom(folder / str(n), GREY, syntax=syntax, frames=[frame])
        write_dicom(folder / f"{n}x", GREY, syntax=syntax, frames=[frame, frame])


def _nifti(folder: Path) -> None:
    values = np.random.default_rng(0).integers(0, 99, (5, 6, 4))
    for n, dtype in enumerate((np.uint8, np.int16, np.float32)):
        nib.save(nib.Nifti1Image(values.astype(dtype), np.diag([1, 2, 3, 1])), folder / f"{n}.nii")
    nib.save(nib.Nifti2Image(values.astype(np.int16), np.eye(4)), folder / "3.nii")


def _nrrd(folder: Path) -> list[bytes]:
    head = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 5 3\nspace: left-posterior-superior\n"
    head += b"space directions: (1,0,0) (0,1,0) (0,0,2)\nendian: little\nencoding: "
    data = bytes(range(60))
    packed = {
        "raw": data,
        "gzip": gzip.compress(data, mtime=0),
        "bzip2": bz2.compress(data),
        "text": " ".join(map(str, data)).encode(),
    }
    return [head + name.encode() + b"\n\n" + body for name, body in packed.items()]


def _metaimage(folder: Path) -> list[bytes]:
    head = (
        b"ObjectType = Image\nNDims = 3\nDimSize = 4 5 3\nElementSpacing = 1 1 2\nElementType = MET_UCHAR\n"
    )
    head += b"TransformMatrix = 1 0 0 0 1 0 0 0 1\nCompressedData = %s\nElementDataFile = LOCAL\n"
    return [head % b"False" + bytes(range(60)), head % b"True" + zlib.compress(bytes(range(60)))]


def _tiff(folder: Path) -> None:
    tifffile.imwrite(folder / "a", GREY)
    tifffile.imwrite(
        folder / "b", np.stack([DEEP] * 3), photometric="minisblack", compression="zlib", predictor=True
    )
    tifffile.imwrite(folder / "c", RGB, tile=(16, 16), compression="lzw")
    tifffile.imwrite(folder / "d", DEEP, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 1.0})
    tifffile.imwrite(folder / "e", RGB, compression="jpeg")
    tifffile.imwrite(folder / "f", GREY > 99, bigtiff=True, compression="packbits")


def _pillow(folder: Path, kinds: dict[str, dict[str, object]]) -> None:
    for n, (kind, options) in enumerate(kinds.items()):
        for mode, values in {"L": GREY, "RGB": RGB}.items():
            Image.fromarray(values).save(folder / f"{n}{mode}", kind.rstrip("+"), **options)


def _png(folder: Path) -> None:
    _pillow(folder, {"PNG": {}})
    Image.fromarray(GREY).convert("P").save(folder / "p", "PNG", transparency=3)
    Image.fromarray(DEEP.astype(np.uint16)).save(folder / "d", "PNG")
    (folder / "e").write_bytes(cv2.imencode(".png", RGB.astype(np.uint16) * 257)[1].tobytes())


def _jpeg(folder: Path) -> None:
    _pillow(folder, {"JPEG": {"quality": 80}, "JPEG+": {"progressive": True}})
    image = Image.fromarray(RGB)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(folder / "x", "JPEG", exif=exif)
    image.convert("CMYK").save(folder / "y", "JPEG")


def _other_rasters(folder: Path) -> None:
    _pillow(folder, {"BMP": {}, "GIF": {}, "WEBP": {}, "WEBP+": {"lossless": True}})


def _jpeg_2000(folder: Path) -> list[bytes]:
    return [
        imagecodecs.jpeg2k_encode(v, codecformat=kind)
        for v in (GREY, RGB, DEEP.astype(np.uint16))
        for kind in ("jp2", "j2k")
    ]


def _of_regions(folder: Path) -> None:
    plane = {
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 3],
        "FrameOfReferenceUID": "1.2.9",
    }
    group = item(
        PlanePositionSequence=[item(ImagePositionPatient=[10, 20, 5])],
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=1)],
    )
    write_dicom(
        folder / "seg",
        (GREY > 99).astype(np.uint8),
        sop=SEG,
        SegmentSequence=[item(SegmentNumber=1, SegmentLabel="a")],
        PerFrameFunctionalGroupsSequence=[group],
        **plane,
    )
    contour = item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=3,
        ContourData=[10, 20, 5, 40, 20, 5, 40, 50, 5],
        ContourImageSequence=[item(ReferencedSOPInstanceUID="1.2.3.4")],
    )
    write_dicom(
        folder / "rt",
        np.zeros((1, 1), np.uint8),
        sop=STRUCTURES,
        StructureSetROISequence=[item(ROINumber=7, ROIName="b")],
        ROIContourSequence=[item(ReferencedROINumber=7, ContourSequence=[contour])],
    )


@cache
def _marked() -> Path:
    import tempfile

    folder = Path(tempfile.mkdtemp())
    plane = {
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 3],
        "FrameOfReferenceUID": "1.2.9",
    }
    return write_dicom(folder / "image.dcm", GREY, ImagePositionPatient=[10, 20, 5], **plane)


def _mask(path: Path) -> None:
    from retrieval.readers.masks import MarkedImage, read_mask

    read_mask(path, MarkedImage((16, 16), path=_marked))


def _labels(folder: Path) -> list[bytes]:
    return [
        b"path,label,age\na.png,lung;heart,61\nb.dcm#3,,7\n",
        "\ufeffpath;label\n".encode(),
        b'path,label\n"a\nb",c\n',
        "path,label\nä,ö\n".encode(),
    ]


def _read_labels(path: Path) -> None:
    from retrieval.metadata.label_table import LabelTable

    LabelTable.read(path)


def _references(folder: Path) -> list[bytes]:
    return [
        b"label,title,text,link\nlung,Lung,a text,https://example.org/a\nheart,Heart,,\n",
        b"label,title\na,b\n",
    ]


def _read_references(path: Path) -> None:
    from retrieval.metadata.reference_table import References

    References.read(path)


def _where(folder: Path) -> list[bytes]:
    return [
        b"modality = 'CT' and slice_thickness <= 2.5",
        b"label in ('lung', 'heart') or not (body_part like 'CH%_%')",
        b"patient is not null and \"view position\" != 'PA'",
        b"age > -1.5e3 and (a = 1 or (b <> 2 and not c like '%a%b'))",
    ]


def _read_where(path: Path) -> None:
    from retrieval.metadata.filter import Condition

    condition = Condition.parse(path.read_bytes().decode("utf-8", "surrogateescape"))
    cells = [("CT", 3.5), (), ("a" * 50, 10**30), ("CHEST",)]
    condition.holds(dict.fromkeys(condition.columns, cells))


def _weights(folder: Path) -> list[bytes]:
    about = {"architecture": json.dumps({"side": 32, "name": "x"})}
    return [_safetensors({"a.weight": [3, 4], "b": [2]}, about), _safetensors({"a": [1]}, None)]


def _safetensors(shapes: dict[str, list[int]], about: dict[str, str] | None) -> bytes:
    """Return a file of zeros in float32, by hand: the package that writes such files comes with torch."""
    header: dict[str, Any] = {} if about is None else {"__metadata__": about}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)


def _read_weights(path: Path) -> None:
    from deep.networks.weight_files import header, read, side

    data = read(path)
    header(data, path.name)
    side(data, path.name)


def _window(folder: Path) -> list[bytes]:
    return [b"auto", b"lung", b"40,400", b"full", b"-600,1500"]


def _read_window(path: Path) -> None:
    from retrieval.readers.window import Window

    Window.parse(path.read_bytes().decode("utf-8", "surrogateescape"))


@cache
def _index() -> Path:
    import tempfile

    from retrieval.baselines import Thumbnail
    from retrieval.index.writer import IndexWriter

    folder = Path(tempfile.mkdtemp())
    draw_numbered(folder / "in", 6)
    with IndexWriter.create(folder / "x") as index:
        index.add_representation(Thumbnail())
        index.update([folder / "in"], jobs=1)
    return folder / "x"


def _of_index(suffix: str) -> Callable[[Path], list[bytes]]:
    return lambda folder: [path.read_bytes() for path in sorted(_index().rglob(f"*{suffix}"))]


def _read_index(suffix: str) -> Callable[[Path], None]:
    """Ask an index one of whose files is mutated."""

    def read(path: Path) -> None:
        from retrieval.index import Index

        damaged = path.parent / "damaged"
        if not damaged.exists():
            shutil.copytree(_index(), damaged)
        files = sorted(_index().rglob(f"*{suffix}"))
        data = path.read_bytes()
        # The file that it was made of is the one that shares most of its beginning.
        file = max(
            files, key=lambda f: sum(a == b for a, b in zip(f.read_bytes()[:4096], data, strict=False))
        )
        place = damaged / file.relative_to(_index())
        place.write_bytes(data)
        try:
            with Index.open(damaged) as index:
                index.verify()
                index.query("1.png", k=3)
        finally:
            place.write_bytes(file.read_bytes())

    return read


_CHEAP, _DEAR = 8.0, 0.1

TARGETS = {
    "DICOM": Target(_files(_dicom), _pictures, "a.dcm"),
    "DICOM, compressed": Target(_files(_dicom_compressed), _pictures, "a.dcm"),
    "NIfTI": Target(_files(_nifti), _pictures, "a.nii"),
    "NIfTI, gzipped": Target(_files(_nifti), _pictures, "a.nii.gz", mend=mend_gzip),
    "NRRD": Target(_nrrd, _pictures, "a.nrrd"),
    "MetaImage": Target(_metaimage, _pictures, "a.mha"),
    "TIFF": Target(_files(_tiff), _pictures, "a.tif"),
    "PNG": Target(_files(_png), _pictures, "a.png", mend=mend_png),
    "JPEG": Target(_files(_jpeg), _pictures, "a.jpg"),
    "BMP, GIF, WebP": Target(_files(_other_rasters), _pictures, "a.gif"),
    "JPEG 2000": Target(_jpeg_2000, _pictures, "a.jp2"),
    "masks: segmentations, structure sets": Target(_files(_of_regions), _mask, "a.dcm"),
    "masks: images": Target(_files(_png), _mask, "a.png", mend=mend_png),
    "label tables": Target(_labels, _read_labels, "a.csv", False, share=_CHEAP),
    "reference tables": Target(_references, _read_references, "a.csv", False, share=_CHEAP),
    "conditions of --where": Target(_where, _read_where, "a.txt", False, share=_CHEAP),
    "windows": Target(_window, _read_window, "a.txt", False, share=_CHEAP),
    "weight files": Target(_weights, _read_weights, "a.safetensors", False, share=_CHEAP),
    "index: catalogue": Target(
        _of_index("catalogue.sqlite"), _read_index("catalogue.sqlite"), "a", False, share=_DEAR
    ),
    "index: arrays": Target(_of_index(".npy"), _read_index(".npy"), "a", False, share=_DEAR),
}
"""What is fuzzed, by its name in the table."""
