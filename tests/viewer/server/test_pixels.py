"""Pixels: the values of the file, what they mean, and what stands in where the file is gone."""

from __future__ import annotations

import json

import cv2
import nibabel
import numpy as np
import pytest
from support.images import texture_of_all_sizes
from support.served import INDEX, graphql, hounsfield, run, write_ct
from support.server_process import serving

from retrieval.picture import Picture
from retrieval.readers import read_pictures
from retrieval.readers.window import Window
from viewer.server.values import values_of

FIND = """query($image: ID!) { image(index: "scans.index", image: $image) {
  __typename ... on Image { id key rows cols spacingMm labels } ... on Problem { kind message } } }"""


def key_of(client, image):
    return graphql(client, FIND, image=image)["image"]["key"]


def pixels(client, image):
    """Return the values of an image, and what is said of them."""
    found = client.get(f"/images/scans.index/{key_of(client, image)}/pixels")
    assert found.status_code == 200
    about = json.loads(found.headers["semblance-image"])
    shape = (about["rows"], about["cols"]) + ((3,) if about["channels"] == 3 else ())
    return np.frombuffer(found.content, about["dtype"]).reshape(shape), about


def test_values_are_hounsfield_units(client):
    values, about = pixels(client, "ct1/005.dcm")
    np.testing.assert_array_equal(values, hounsfield(1, 0))
    assert (about["dtype"], about["slope"], about["intercept"]) == ("int16", 1, 0)
    assert (about["unit"], about["spacing"], about["inverted"]) == ("HU", [0.5, 0.5], False)
    assert about["min"] == hounsfield(1, 0).min() and about["max"] == hounsfield(1, 0).max()
    assert {"name": "lung", "low": -1350, "high": 150} in about["presets"]


def test_colours_are_bytes(client):
    values, about = pixels(client, "colour.png")
    colours = np.stack([texture_of_all_sizes(64, 80, seed=seed) for seed in (9, 8, 7)], axis=2)
    np.testing.assert_array_equal(values, colours)
    assert (about["dtype"], about["channels"], about["unit"], about["presets"]) == ("uint8", 3, None, [])


def test_a_grey_image_in_three_channels_is_windowed_like_any_other():
    """A radiograph that somebody saved as a photograph."""
    grey = texture_of_all_sizes(20, 30, seed=1)
    shown = Picture(np.repeat(grey[..., None], 3, axis=2).astype(np.float32) / 255, "rgb.jpg")
    values = values_of(shown, read=None)
    np.testing.assert_array_equal(values.stored, grey)
    about = values.about(shown)
    assert (about["channels"], about["dtype"], about["window"]) == (1, "int16", {"low": 0, "high": 255})
    assert (about["min"], about["max"]) == (grey.min(), grey.max())
    shown.pixels[3, 4, 1] += 1 / 255
    assert values_of(shown, read=None).about(shown)["channels"] == 3


def test_a_plain_grey_image_begins_with_its_full_range(client):
    values, about = pixels(client, "grey.png")
    np.testing.assert_array_equal(values, texture_of_all_sizes(64, 80, seed=10))
    assert about["window"] == {"low": pytest.approx(0, abs=0.1), "high": pytest.approx(255, abs=0.1)}


def test_what_is_said_is_there_alone_too(client):
    _, about = pixels(client, "ct1/005.dcm")
    assert client.get(f"/images/scans.index/{key_of(client, 'ct1/005.dcm')}/about").json() == about


def test_pixels_are_kept_for_ever_and_packed(client):
    found = client.get(f"/images/scans.index/{key_of(client, 'ct1/005.dcm')}/pixels")
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("form", ["thumbnail", "picture"])
def test_images_are_jpeg(form, client):
    found = client.get(f"/images/scans.index/{key_of(client, 'ct1/005.dcm')}/{form}")
    assert found.headers["content-type"] == "image/jpeg"
    assert cv2.imdecode(np.frombuffer(found.content, np.uint8), 0).shape == (96, 96)


@pytest.mark.parametrize("address", ["/images/scans.index/00/pixels", "/images/other/00/pixels", "/made/0/x"])
def test_what_is_not_there_is_not_found(address, client):
    found = client.get(address)
    assert (found.status_code, found.json()["kind"]) == (404, "NOT_FOUND")


def test_values_of_an_archive_are_fetched_from_it(tmp_path):
    """The files of an archive are deleted once they are indexed."""
    for number in range(2):
        place = tmp_path / "sent" / f"{number}.dcm"
        write_ct(place, hounsfield(1, number), "P1", "1", number, SOPInstanceUID=f"1.2.6.{number}")
    words = ["-o", tmp_path / INDEX, "--by", "thumbnail", "--jobs", "1", "--quiet", "--find-text", "off"]
    assert run(["index", f"folder:{tmp_path / 'sent'}", *words])[0] == 0
    with serving(tmp_path / INDEX) as client:
        document = '{ images(index: "scans.index") { ... on ImagePage { items { id } } } }'
        names = [one["id"] for one in graphql(client, document)["images"]["items"]]
        found = [pixels(client, name)[0].tolist() for name in names]
        assert sorted(found) == sorted(hounsfield(1, number).tolist() for number in range(2))


def test_an_image_whose_file_is_gone_is_a_thumbnail(own_client, own_index):
    key = key_of(own_client, "ct1/005.dcm")
    (own_index.parent / "images").rename(own_index.parent / "away")
    found = own_client.get(f"/images/scans.index/{key}/pixels")
    assert (found.status_code, found.json()["kind"]) == (410, "UNREADABLE")
    assert str(own_index.parent) not in found.text
    small = own_client.get(f"/images/scans.index/{key}/picture")
    assert small.headers["semblance-fallback"] == "thumbnail"
    assert small.headers["cache-control"] == "no-store"


def shown_values(path, window="auto", frame=None):
    """Return what is shown of a file, as values."""
    frames = None if frame is None else [frame]

    def read(window):
        return next(iter(read_pictures(path, path.name, window=window, frames=frames)))

    found = values_of(read(Window.parse(window)), read)
    return found.stored * found.slope + found.intercept, found


def test_inverted_files_keep_their_values(tmp_path):
    values = hounsfield(3, 1)
    more = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 40, "WindowWidth": 400}
    path = write_ct(tmp_path / "a.dcm", values, "P", "1", 0, **more)
    found, about = shown_values(path)
    np.testing.assert_array_equal(found, values)
    assert about.is_inverted
    # PS3.3 C.11.2.1.2.1: 40 - 0.5 ± 399 / 2
    assert (about.low, about.high) == pytest.approx((-160, 239), abs=0.1)


@pytest.mark.parametrize(("centre", "width", "ends"), [(200, 400, (0, 399)), (-600, 1500, (-1350, 149))])
def test_the_ends_of_a_window_are_whole_where_the_file_says_so(tmp_path, centre, width, ends):
    """Also one that is 0, by which the page shows centre and width."""
    window = {"WindowCenter": centre, "WindowWidth": width}
    _, about = shown_values(write_ct(tmp_path / "a.dcm", hounsfield(3, 1), "P", "1", 0, **window))
    assert (about.low, about.high) == ends


def test_an_inverse_presentation_is_inverted_too(tmp_path):
    values = hounsfield(3, 1)
    path = write_ct(tmp_path / "a.dcm", values, "P", "1", 0, PresentationLUTShape="INVERSE")
    found, about = shown_values(path)
    np.testing.assert_array_equal(found, values)
    assert about.is_inverted


def test_padding_is_as_low_as_the_lowest_value(tmp_path):
    values = hounsfield(3, 1)
    values[:8] = -1024
    path = write_ct(tmp_path / "a.dcm", values, "P", "1", 0, PixelPaddingValue=0)
    found, about = shown_values(path)
    np.testing.assert_array_equal(found[8:], values[8:])
    assert about.lowest == values[8:].min()
    assert (found[:8] == about.lowest).all()


def test_slopes_that_are_no_whole_numbers_are_kept_to_16_bits(tmp_path):
    values = hounsfield(3, 1)
    path = write_ct(tmp_path / "a.dcm", values, "P", "1", 0, RescaleSlope=0.37, Modality="PT")
    found, about = shown_values(path)
    wanted = (values + 1024) * 0.37 - 1024
    np.testing.assert_allclose(found, wanted, atol=np.ptp(wanted) / 65535)
    assert about.unit is None


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_floats_of_any_size_are_kept_to_16_bits(scale, tmp_path):
    wanted = texture_of_all_sizes(40, 50, seed=1).astype(np.float32) * np.float32(scale / 7)
    image = nibabel.Nifti1Image(wanted[::-1, ::-1].T[:, :, None], np.diag([1, 1, 4, 1]))
    nibabel.save(image, tmp_path / "a.nii")
    found, _ = shown_values(tmp_path / "a.nii", frame=0)
    np.testing.assert_allclose(np.sort(found.ravel()), np.sort(wanted.ravel()), atol=np.ptp(wanted) / 60000)


def test_one_value_everywhere_has_a_window(tmp_path):
    path = write_ct(tmp_path / "a.dcm", np.full((20, 30), 55, np.int16), "P", "1", 0)
    found, about = shown_values(path)
    assert (found == 55).all() and about.low < about.high


@pytest.mark.parametrize("value", [0, 1, 7, 255, 0.1, 12345.678, -5e-5, 1e9, 1e13])
@pytest.mark.parametrize("spread", [0, 1e-6, 1e-3])
def test_values_that_hardly_differ_are_given(value, spread, tmp_path):
    wanted = np.float32(value) * (1 + spread * texture_of_all_sizes(20, 30, seed=1).astype(np.float32) / 255)
    nibabel.save(nibabel.Nifti1Image(wanted[:, :, None], np.eye(4)), tmp_path / "a.nii")
    found, about = shown_values(tmp_path / "a.nii", frame=0)
    # Of what float32 tells apart; beyond the widest window there is but its end.
    wanted = np.minimum(wanted, 2.0**40)
    np.testing.assert_allclose(np.sort(found.ravel()), np.sort(wanted.ravel()), rtol=1e-6, atol=1e-12)
    assert about.low < about.high


@pytest.mark.parametrize("value", [1, 7, 100, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_plain_image_of_one_value_is_given(value, dtype, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30), value, dtype))
    found, about = shown_values(tmp_path / "a.png")
    assert found.shape == (20, 30) and about.low < about.high
    np.testing.assert_allclose(found, value, rtol=1e-6)
