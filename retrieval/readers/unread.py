"""Formats of images that are not read: each is recognised, so that none is passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .formats import FORMATS, inflated, recognise_head
from .source import PassedOverError

_BIO_FORMATS = "export it as OME-TIFF, for example by bfconvert of Bio-Formats"
_AS_SLIDE = "it is a slide: make an index with --um-per-px, such as 1.0"
_PNG = "convert it to PNG"
_VIDEO = "save its frames as PNG"
_NIFTI = "convert it to NIfTI"
_PACKED = tuple(
    suffix + ending
    for format in FORMATS.values()
    for suffix in format.suffixes
    for ending in (".gz", ".bz2", ".xz", ".zst", ".z", ".zip")
    if (suffix, ending) != (".nii", ".gz") and not suffix.endswith(".gz")
)
"""Images that were packed one by one, as archives do; of these only .nii.gz is read."""


@dataclass(frozen=True)
class Unread:
    """A format that is not read.

    Parameters
    ----------
    title, remedy : its name, and what the user can do.
    suffixes : endings of names, in lower case, that are enough to tell.
    magic, offset : bytes that tell it, and where they are in the file; none if empty.
    """

    title: str
    remedy: str
    suffixes: tuple[str, ...] = ()
    magic: bytes = b""
    offset: int = 0


_PACKED_IMAGE = Unread("a packed image", "unpack it", _PACKED)
UNREAD = (
    _PACKED_IMAGE,
    Unread("Zeiss CZI", _BIO_FORMATS, (".czi",), b"ZISRAWFILE"),
    Unread("Zeiss ZVI", _BIO_FORMATS, (".zvi",)),
    Unread("Leica LIF", _BIO_FORMATS, (".lif",)),
    Unread("Nikon ND2", _BIO_FORMATS, (".nd2",), b"\xda\xce\xbe\x0a"),
    Unread("Olympus", _BIO_FORMATS, (".vsi", ".oir", ".oib", ".oif")),
    Unread("Imaris", _BIO_FORMATS, (".ims",)),
    Unread("MIRAX", _AS_SLIDE, (".mrxs",)),
    Unread("Hamamatsu VMS", _AS_SLIDE, (".vms", ".vmu")),
    Unread("Philips iSyntax", _BIO_FORMATS, (".isyntax", ".i2syntax")),
    Unread("Sakura slide", _AS_SLIDE, (".svslide",)),
    Unread("Image Cytometry Standard", _BIO_FORMATS, (".ics",), b"ics_version"),
    Unread("MRC", _BIO_FORMATS, (".mrc", ".mrcs"), b"MAP ", 208),
    Unread("Digital Micrograph", _BIO_FORMATS, (".dm3", ".dm4")),
    Unread("MINC", f"{_NIFTI} by mnc2nii", (".mnc", ".mnc.gz")),
    Unread("FreeSurfer MGH", f"{_NIFTI} by mri_convert", (".mgh", ".mgz", ".mgh.gz")),
    Unread("AFNI", f"{_NIFTI} by 3dAFNItoNIFTI", (".brik", ".brik.gz", ".brik.bz2")),
    Unread("Philips PAR/REC", f"{_NIFTI} by dcm2niix", (), b"# === DATA DESCRIPTION FILE"),
    Unread("GIPL", f"{_NIFTI} by ITK-SNAP", (".gipl", ".gipl.gz")),
    Unread("ECAT", _NIFTI, (), b"MATRIX7"),
    Unread("VTK", _NIFTI, (".vti",), b"# vtk DataFile"),
    Unread("Amira mesh", _NIFTI, (), b"# AmiraMesh"),
    Unread("Avizo", _NIFTI, (), b"# Avizo"),
    Unread("FITS", "convert it to TIFF", (".fits", ".fts"), b"SIMPLE  ="),
    Unread("ENVI", "convert it to TIFF", (), b"ENVI\n"),
    Unread("OpenEXR", "convert it to TIFF", (".exr",), b"\x76\x2f\x31\x01"),
    Unread("Radiance", "convert it to TIFF", (), b"#?RADIANCE"),
    Unread("JPEG XL", _PNG, (".jxl",), b"\x00\x00\x00\x0cJXL "),
    Unread("JPEG XR", _PNG, (".jxr", ".wdp", ".hdp"), b"II\xbc\x01"),
    Unread("HEIF", _PNG, (".heic", ".heif"), b"ftyphei", 4),
    Unread("HEIF", _PNG, (), b"ftypmif1", 4),
    Unread("AVIF", _PNG, (".avif",), b"ftypavif", 4),
    Unread("Photoshop", _PNG, (".psd", ".psb"), b"8BPS\x00"),
    Unread("PNM", _PNG, (".pgm", ".ppm", ".pbm", ".pnm", ".pam", ".pfm")),
    Unread("PNM", _PNG, (), b"P4\n"),
    Unread("PNM", _PNG, (), b"P5\n"),
    Unread("PNM", _PNG, (), b"P6\n"),
    Unread("PCX", _PNG, (".pcx",)),
    Unread("SGI", _PNG, (".sgi",)),
    Unread("GIMP", _PNG, (".xcf",), b"gimp xcf"),
    Unread("DDS", _PNG, (".dds",), b"DDS \x7c"),
    Unread("an icon", _PNG, (".ico",)),
    Unread("TGA", _PNG, (".tga",)),
    Unread("SVG", _PNG, (".svg",)),
    Unread("DjVu", _PNG, (".djvu",), b"AT&TFORM"),
    Unread("MP4 video", _VIDEO, (".mp4", ".m4v", ".mov"), b"ftypisom", 4),
    Unread("AVI video", _VIDEO, (".avi",), b"AVI LIST", 8),
    Unread("video", _VIDEO, (".mkv", ".webm", ".wmv", ".mpg", ".mpeg"), b"\x1aE\xdf\xa3"),
)
"""The formats, in the order in which they are asked."""

_HEAD = 1024


def refuse_known(path: Path) -> None:
    """Raise PassedOverError for a file that is an image in a format that is not read."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    found = next((format for format in UNREAD if head and _is(format, path.name.lower(), head)), None)
    if found is None and recognise_head(inflated(head)) is not None:
        found = _PACKED_IMAGE  # the name does not say so
    if found is not None:
        raise PassedOverError(f"passed over: {found.title} is not read; {found.remedy}")


def _is(format: Unread, name: str, head: bytes) -> bool:
    # The content first: names are changed more easily.
    if format.magic and head[format.offset :].startswith(format.magic):
        return True
    return name.endswith(format.suffixes)
