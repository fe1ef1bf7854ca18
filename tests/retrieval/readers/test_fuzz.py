"""Facts about mutated inputs of every kind: an answer, or an error of our own, and nothing else."""

import os
import signal

import nibabel as nib
import numpy as np
import pytest
from support import fuzz, fuzz_mutations
from support.dicom_files import item, write_dicom
from support.fuzz_targets import TARGETS, Target

from retrieval.errors import PictureError, SettingError
from retrieval.readers import read_pictures
from retrieval.readers.masks import MarkedImage, read_mask

SEED = 20_261_128


def _explain(count):
    return count.crashes, count.hangs, count.foreign


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_end_well(name):
    n = 4 if name.startswith("index") else 80
    count = fuzz.fuzz(name, fuzz.seeds_of(name), SEED, 0, n)
    assert count.is_clean, _explain(count)
    assert count.n == n


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_a_million_mutated_inputs_end_well(name):
    # Of all targets together a million, of which a quarter goes through decoders.
    n = int(20_000 * TARGETS[name].share)
    count = fuzz.fuzz(name, fuzz.seeds_of(name), SEED, 0, n)
    assert count.is_clean, _explain(count)


@pytest.mark.parametrize("name", [name for name in TARGETS if not name.startswith("index")])
def test_what_is_not_mutated_can_be_read(tmp_path, name):
    (tmp_path / "seeds").mkdir()
    target, n_read = TARGETS[name], 0
    for seed in target.seeds(tmp_path / "seeds"):
        path = tmp_path / target.name
        path.write_bytes(target.mend(seed))
        try:
            target.read(path)
            n_read += 1
        except (PictureError, SettingError):
            # Masks of another size, and tables that lack a column, are refused whole.
            assert name.startswith(("masks", "label"))
    assert n_read


def test_the_harness_finds_crashes_hangs_and_foreign_errors(monkeypatch):
    def read(path):
        first = path.read_bytes()[0] % 4
        if first == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if first == 2:
            while True:
                pass
        if first == 3:
            raise ZeroDivisionError("x")

    monkeypatch.setattr(fuzz, "input_of", lambda name, seeds, seed, number: bytes([number]))
    monkeypatch.setitem(TARGETS, "bad", Target(lambda folder: [b""], read, "a"))
    count = fuzz.fuzz("bad", [b""], 0, 0, 9, seconds=0.2)
    assert count.crashes == [(1, "SIGSEGV"), (5, "SIGSEGV")]
    assert [number for number, _ in count.hangs] == [2, 6]
    assert [(n, t.split(" (")[0]) for n, t in count.foreign] == [(n, "ZeroDivisionError: x") for n in (3, 7)]
    assert (count.n, count.answered, count.is_clean) == (9, 3, False)
    printed = fuzz.table({"bad": count}, 0)
    assert "| bad | 9 | 3 | 0 | 2 | 2 | 2 |" in printed
    assert "crashes: bad 0/1: SIGSEGV" in printed


def test_a_mutation_depends_on_the_seed_alone():
    seeds = [bytes(range(200)), b"x" * 50]
    first = [fuzz_mutations.mutant(seeds, f"a/{i}") for i in range(300)]
    assert first == [fuzz_mutations.mutant(seeds, f"a/{i}") for i in range(300)]
    assert len(set(first)) > 250
    assert not set(first) & set(seeds) or sum(data in seeds for data in first) < 30


# What fuzzing found, made anew.


def test_a_nifti_file_without_a_type_of_values_is_refused_at_once(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_shape((5, 24_942, 1_646))
    header["datatype"], header["magic"], header["vox_offset"] = 0, b"n+1", 352
    (tmp_path / "a.nii").write_bytes(header.binaryblock + bytes(125))
    with pytest.raises(PictureError, match=r"a\.nii: its header does not say what type its values have"):
        list(read_pictures(tmp_path / "a.nii", "a.nii"))


@pytest.mark.parametrize(
    "values",
    [
        {"PhotometricInterpretation": "MONOCHROM2"},
        {"segment": [1, 2]},
    ],
)
def test_a_damaged_segmentation_is_refused_in_one_line(tmp_path, values):
    plane = {
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [2, 3],
        "FrameOfReferenceUID": "1.2.9",
    }
    image = write_dicom(
        tmp_path / "a.dcm", np.zeros((8, 8), np.uint8), ImagePositionPatient=[0, 0, 5], **plane
    )
    values = dict(values)
    segment = item(SegmentNumber=1, SegmentLabel="a")
    if "segment" in values:
        segment.SegmentNumber = values.pop("segment")
    group = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 5])])
    mask = write_dicom(
        tmp_path / "seg.dcm", np.ones((8, 8), np.uint8), sop="1.2.840.10008.5.1.4.1.1.66.4",
        SegmentSequence=[segment], PerFrameFunctionalGroupsSequence=[group], **plane, **values,
    )  # fmt: skip
    with pytest.raises(PictureError, match=r"seg\.dcm: (frame 0 of the segmentation: )?cannot be decoded"):
        read_mask(mask, MarkedImage((8, 8), path=lambda: image))
