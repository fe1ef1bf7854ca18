"""The face answers as the command line does, and takes images in every form."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from support.drawings import draw_colour

import semblance
from cli.main import main

N = 8
SETTINGS = {"words": 20, "points": 40, "tone_words": 4}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("face") / "scans"
    for number in range(N):
        draw_colour(folder / f"{number}.png", number)
    rows = [f"{number}.png,{('even', 'odd')[number % 2]},p{number // 2}" for number in range(N)]
    (folder / "labels.csv").write_text("\n".join(["path,label,patient", *rows]))
    return folder


@pytest.fixture(scope="module")
def index(scans: Path) -> Iterator[semblance.Index]:
    made = semblance.index(
        scans, by=["superpixel", "thumbnail"], labels=scans / "labels.csv", jobs=1, **SETTINGS
    )
    assert made.path == scans.with_name("scans.index")
    with made:
        yield made


def told(capsys: pytest.CaptureFixture[str], index: semblance.Index, *words: str) -> Any:
    capsys.readouterr()
    assert main(["query", str(index.path), *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)[0]["hits"]


def shown(answer: semblance.Answer) -> list[tuple[Any, ...]]:
    return [(hit.id, hit.rank, hit.score, hit.box) for hit in answer]


def listed(hits: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(h["id"], h["rank"], h["score"], h["box"] and tuple(h["box"])) for h in hits]


def test_an_index_says_what_it_holds(index: semblance.Index) -> None:
    assert len(index) == N == index.update.added
    assert index.ids[0] == "0.png" and "0.png" in index and "9.png" not in index
    assert list(index.representations) == ["superpixel", "thumbnail"]
    assert "8 images by superpixel, thumbnail" in repr(index)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, []),
        ({"by": "superpixel", "k": 3}, ["--by", "superpixel", "-k", "3"]),
        ({"by": ["superpixel", "thumbnail"], "fusion": "sum"}, [
            "--by", "superpixel", "--by", "thumbnail", "--fusion", "sum"
        ]),
        ({"not_same": "patient", "where": "label = 'even'"}, [
            "--not-same", "patient", "--where", "label = 'even'"
        ]),
        ({"include_self": False, "group_by": "patient"}, ["--exclude-self", "--group-by", "patient"]),
        ({"by": "superpixel", "region": (4, 6, 20, 16)}, ["--by", "superpixel", "--region", "4,6,20,16"]),
        ({"by": "superpixel", "polygon": [(4, 6), (30, 6), (9, 30)], "margin": 2}, [
            "--by", "superpixel", "--polygon", "4,6,30,6,9,30", "--margin", "2"
        ]),
        ({"by": "superpixel", "point": [20, 20]}, ["--by", "superpixel", "--point", "20,20"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_file", [False, True])
def test_answers_are_those_of_the_command_line(
    given: dict[str, Any],
    words: list[str],
    is_file: bool,
    index: semblance.Index,
    scans: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image = scans / "2.png" if is_file else "2.png"
    assert shown(index.query(image, **given)) == listed(told(capsys, index, str(image), *words))


def test_arrays_and_images_of_pillow_are_files_in_memory(index: semblance.Index, scans: Path) -> None:
    expected = [hit.score for hit in index.query(scans / "3.png")]
    array = cv2.imread(str(scans / "3.png"))[..., ::-1]
    for image in (array, array.astype(np.int64), Image.open(scans / "3.png"), Image.fromarray(array)):
        assert [hit.score for hit in index.query(image)] == expected
    grey = array[..., 1]
    first = [hit.score for hit in index.query(grey)]
    assert first == [hit.score for hit in index.query(Image.fromarray(grey))] != expected
    assert index.query(grey).query == "array"


@pytest.mark.parametrize("shape", [(3,), (4, 4, 4), (2, 4, 4, 3), (0, 5)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...], index: semblance.Index) -> None:
    with pytest.raises(semblance.PictureError, match="is no image"):
        index.query(np.zeros(shape))


def test_what_makes_no_sense_is_named_as_in_python(index: semblance.Index) -> None:
    with pytest.raises(semblance.SettingError, match="no setting 'regoin'; did you mean region"):
        index.query("0.png", regoin=(0, 0, 4, 4))  # type: ignore[call-arg]
    with pytest.raises(semblance.SettingError, match=r"^region: 99,0,4,4 is outside the image"):
        index.query("0.png", region=(99, 0, 4, 4))
    with pytest.raises(semblance.SettingError, match="region and point: both mark the query"):
        index.query("0.png", region=(0, 0, 4, 4), point=(1, 1))
    with pytest.raises(semblance.PictureError, match="neither in this index nor on disk"):
        index.query("nowhere.png")
    with pytest.raises(semblance.PictureError, match="no such file"):
        index.query(Path("0.png"))


@pytest.mark.parametrize("region", [(1, 1, -5, 5), (1, 1, float("nan"), 5)])
def test_a_region_of_no_size_is_refused(region: tuple[float, ...], index: semblance.Index) -> None:
    with pytest.raises(semblance.SettingError, match="region"):
        index.query("0.png", region=region)  # type: ignore[arg-type]


def test_what_a_file_may_take_is_said_where_an_index_is_made_and_opened(scans: Path, tmp_path: Path) -> None:
    narrow = {"max_pixels": 36 * 48 - 1}
    for number in range(2):
        draw_colour(tmp_path / "in" / f"{number}.png", number)
    with pytest.raises(semblance.PictureError, match="holds no image"):
        semblance.index(tmp_path / "in", by="thumbnail", jobs=1, limits=narrow)
    with semblance.index(tmp_path / "in", by="thumbnail", jobs=1, limits={"max_pixels": 36 * 48}) as made:
        assert len(made) == 2
        place = made.path
    with semblance.open(place, limits=narrow) as index:
        for ask in (index.query, index.classify, index.findings, index.query_volume):
            with pytest.raises(semblance.PictureError, match="are more than the 1,727 allowed"):
                ask(scans / "5.png")  # type: ignore[operator]
        assert index.add(tmp_path / "in", scans / "5.png").skipped
    with pytest.raises(semblance.SettingError, match="did you mean max_pixels"):
        semblance.open(place, limits={"max_pixel": 3})
    with pytest.raises(semblance.SettingError, match="max_seconds"):
        semblance.open(place, limits={"max_seconds": 0})


def test_a_damaged_index_is_repaired(tmp_path: Path) -> None:
    for number in range(3):
        draw_colour(tmp_path / "in" / f"{number}.png", number)
    with semblance.index(tmp_path / "in", by="thumbnail", jobs=1) as made:
        place, expected = made.path, shown(made.query("1.png"))
    assert semblance.repair(place).mended == ()
    for path in (place / "segments").rglob("*.npy"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    report = semblance.repair(place, jobs=1)
    assert report.mended and not report.lost and not report.left
    with semblance.open(place) as index:
        assert shown(index.query("1.png")) == expected
    with pytest.raises(semblance.IndexFolderError, match="is not an index"):
        semblance.repair(tmp_path)


def test_a_closed_index_says_that_it_is_closed(scans: Path, tmp_path: Path) -> None:
    with semblance.index(scans, to=tmp_path / "i", by="thumbnail", jobs=1) as made:
        answer = made.query("1.png")
    for ask in (lambda: made.query("1.png"), lambda: answer.report(tmp_path / "a.html"), made.vectors):
        with pytest.raises(semblance.IndexFolderError, match=r"i: was closed; open it again"):
            ask()


def test_an_index_that_was_made_anew_is_not_called_damaged(scans: Path, tmp_path: Path) -> None:
    with semblance.index(scans, to=tmp_path / "i", by="thumbnail", jobs=1) as made:
        shutil.rmtree(tmp_path / "i")
        with pytest.raises(semblance.IndexFolderError, match="is not there"):
            made.add(scans)
        semblance.index(scans, to=tmp_path / "i", by="colour", jobs=1).close()
        with pytest.raises(semblance.IndexFolderError, match="made anew since it was opened; open it again"):
            made.query("1.png")


def test_a_region_that_reaches_outside_warns(index: semblance.Index) -> None:
    with pytest.warns(UserWarning, match="reaches outside the image, 48 × 36 pixels"):
        index.query("0.png", region=(40, 30, 20, 20))


def test_a_mask_is_a_file_or_an_array(index: semblance.Index, tmp_path: Path) -> None:
    marked = np.zeros((36, 48), np.uint8)
    marked[6:22, 4:24] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), marked)
    by_file = index.query("0.png", by="superpixel", mask=tmp_path / "mask.png")
    assert shown(by_file) == shown(index.query("0.png", by="superpixel", mask=marked > 0))
    with pytest.raises(semblance.SettingError, match="mask: an array of shape"):
        index.query("0.png", mask=marked[1:])


def test_an_answer_is_a_sequence_of_hits(index: semblance.Index) -> None:
    answer = index.query("0.png", k=3)
    assert len(answer) == 3 and [hit.rank for hit in answer] == [1, 2, 3]
    assert answer[0].id == "0.png" and answer[0].label == "even" and answer[0].group["patient"] == "p0"
    assert answer[-1] is answer[2] and len(answer[1:]) == 2
    assert repr(answer).splitlines()[0] == "0.png  by superpixel+thumbnail"
    assert len(repr(answer).splitlines()) == 4


def test_rows_are_those_of_the_csv(index: semblance.Index, capsys: pytest.CaptureFixture[str]) -> None:
    rows = index.query("0.png", by="superpixel", region=(4, 6, 20, 16)).rows()
    capsys.readouterr()
    words = ["query", str(index.path), "0.png", "--by", "superpixel", "--region", "4,6,20,16", "--csv"]
    assert main(words) == 0
    printed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [set(row) for row in rows] == [set(line) for line in printed]
    for row, line in zip(rows, printed, strict=True):
        told = {key: "" if value is None else str(value) for key, value in row.items()}
        assert {**told, "score": f"{row['score']:.6g}"} == line


def test_a_table_needs_pandas_and_says_so(index: semblance.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = index.query("0.png")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(semblance.NotInstalledError, match=r"pip install pandas`, or take rows\(\)"):
        answer.to_dataframe()

    class Pandas:
        DataFrame = list

    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    assert answer.to_dataframe() == answer.rows()


def test_a_notebook_gets_a_page_in_a_frame_with_thumbnails(index: semblance.Index) -> None:
    html = index.query("0.png", k=3)._repr_html_()
    assert html.startswith("<iframe srcdoc=") and html.count("<iframe") == 1
    assert html.count("data:image/jpeg;base64,") >= 4  # the query and three hits
    assert "<script" not in html and "&lt;script" not in html


def test_pages_and_sheets_are_those_of_the_command_line(
    index: semblance.Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir(), theirs.mkdir()
    answer = index.query("0.png", k=3, region=(4, 6, 20, 16), where="label = 'even'")
    answer.report(ours / "page.html")
    answer.sheet(str(ours / "sheet.png"))
    words = ["-k", "3", "--region", "4,6,20,16", "--where", "label = 'even'"]
    pages = ["--report", str(theirs / "page.html"), "--sheet", str(theirs / "sheet.png")]
    assert main(["query", str(index.path), "0.png", *words, *pages]) == 0
    assert (ours / "sheet.png").read_bytes() == (theirs / "sheet.png").read_bytes()

    def drop_date(page: Path) -> str:
        return page.read_text().partition("<dt>made on")[0]

    assert drop_date(ours / "page.html") == drop_date(theirs / "page.html")
    with pytest.raises(semblance.SettingError, match=r"end the name in \.png"):
        answer.sheet(tmp_path / "sheet.txt")


def test_a_volume_is_a_folder_or_slices_in_order(index: semblance.Index, scans: Path) -> None:
    by_ids = index.query_volume(["0.png", "1.png", "2.png"], group_by="patient", k=2)
    arrays = [cv2.imread(str(scans / f"{number}.png"))[..., ::-1] for number in range(3)]
    by_arrays = index.query_volume(arrays, group_by="patient", k=2)
    assert len(by_ids) == len(by_arrays) == 2
    assert [hit.group["patient"] for hit in by_ids] == [hit.group["patient"] for hit in by_arrays]
    assert index.query_volume(str(scans), group_by="patient")[0].case is not None
    assert "class=volume" in by_arrays._asked.page()
    with pytest.raises(semblance.PictureError, match="without slices"):
        index.query_volume([])


def test_what_is_said_of_an_image(index: semblance.Index, scans: Path, tmp_path: Path) -> None:
    for image in ("0.png", scans / "0.png"):
        found = index.classify(image, k=3)
        assert "0.png" not in [one.id for one in found.neighbours] and found.best in ("even", "odd")
        assert index.findings(image, k=4).column == "patient"
    other = tmp_path / "labels.csv"
    other.write_text("path,label\n0.png,x\n1.png,y\n2.png,x\n")
    labels = {one.label for one in index.findings("0.png", k=8, labels=other).labels}
    assert labels and labels <= {"x", "y"}


def test_a_hit_is_explained_and_drawn(index: semblance.Index, tmp_path: Path) -> None:
    found = index.explain("0.png", "1.png")
    assert found.by == "superpixel" and found.text.startswith("score ") and found.text in repr(found)
    found.save(tmp_path / "why.png")
    with Image.open(tmp_path / "why.png") as drawn:
        assert drawn.size == found.figure().size
    assert found._repr_png_().startswith(b"\x89PNG")


def test_an_evaluation_measures(index: semblance.Index) -> None:
    measured = index.evaluate(by="thumbnail", baselines=False)
    assert "thumbnail" in measured.values and measured.column == "patient"


@pytest.mark.parametrize("by", ["superpixel", "thumbnail"])
def test_vectors_go_to_other_tools(by: str, index: semblance.Index, tmp_path: Path) -> None:
    vectors = index.vectors(by)
    assert vectors.ids == tuple(index.ids) and vectors.labels[:2] == ("even", "odd")
    dense = vectors.dense()
    assert dense.dtype == np.float32 and dense.shape == vectors.matrix.shape
    scores = {hit.id: hit.score for hit in index.query("0.png", by=by, k=N)}
    np.testing.assert_allclose(dense @ dense[0], [scores[id] for id in vectors.ids], rtol=1e-4, atol=1e-5)
    path = tmp_path / "vectors.npz"
    assert main(["export", str(index.path), "--npz", str(path), "--by", by]) == 0
    with np.load(path) as file:
        assert file["ids"].tolist() == list(index.ids) and file["labels"].tolist() == list(vectors.labels)
        if by == "thumbnail":
            np.testing.assert_array_equal(file["vectors"], dense)
    if by == "superpixel":
        from scipy.sparse import load_npz

        np.testing.assert_array_equal(load_npz(path).toarray(), dense)
    assert main(["export", str(index.path), "--npz", str(tmp_path / "vectors.txt")]) == 2
    assert main(["export", str(index.path), "--npz", str(path), "--by", "nothing"]) == 2


def test_an_index_grows_and_shrinks(scans: Path, tmp_path: Path) -> None:
    draw_colour(tmp_path / "more" / "x.png", 50)
    labels = {f"{number}.png": ["a", "b"] if number else "a" for number in range(N)}
    with semblance.index(scans, to=tmp_path / "i", by="thumbnail", labels=labels, jobs=1) as index:
        assert index.vectors().labels[:2] == ("a", "a;b")
        assert index.add(tmp_path / "more", jobs=1).added == 1
        assert len(index) == N + 1 and index.query("x.png")[0].id == "x.png"
        assert index.remove("x.png", "0.png") == 2
        assert len(index) == N - 1 and "0.png" not in index
    with semblance.open(tmp_path / "i") as index:
        assert len(index) == N - 1 and index.update is None
    with pytest.raises(semblance.IndexFolderError):
        semblance.open(tmp_path / "more")


def test_labels_are_folders_if_that_is_said(tmp_path: Path) -> None:
    for number in range(4):
        draw_colour(tmp_path / "scans" / "ab"[number % 2] / f"{number}.png", number)
    with semblance.index(tmp_path / "scans", by="thumbnail", label_by="folder", jobs=1) as index:
        assert index.vectors().labels == ("a", "a", "b", "b")
    with pytest.raises(semblance.SettingError, match="label_by"):
        semblance.index(tmp_path / "scans", label_by="name")
    (tmp_path / "empty").mkdir()
    with pytest.raises(semblance.PictureError, match="holds no image"):
        semblance.index(tmp_path / "empty", by="thumbnail", jobs=1)


def test_the_example_indexes_asks_and_writes_a_page(scans: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "examples" / "first_steps.py"
    assert len(script.read_text().splitlines()) <= 12
    folder = tmp_path / "scans"
    folder.mkdir()
    for path in scans.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, script, "scans", "answer.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "8 images; look at answer.html" in done.stdout
    assert "data:image/jpeg" in (tmp_path / "answer.html").read_text()
