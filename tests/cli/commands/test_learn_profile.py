"""The command learn-profile, and questions in terms, end to end on small generated pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.main import main
from retrieval.index import Index

pytest.importorskip("sklearn")

N = 40
BY = "thumbnail+profile"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def draw(place: Path, i: int) -> None:
    """Draw stripes along or across, or a black border on top of them, with some noise."""
    rng = np.random.default_rng(i)
    rows, cols = np.indices((24, 24))
    wave = np.sin((rows if i % 2 else cols) * 0.8 + rng.uniform(0, 0.3))
    levels = np.clip(128 + 70 * wave + rng.normal(size=(24, 24)) * 9, 0, 255)
    assert cv2.imwrite(str(place), levels.astype(np.uint8))


def report(i: int) -> str:
    said = "Kein Emphysem. Pleuraerguss links." if i % 2 else "Emphysema, no effusion."
    return f"Frau Zyxname: {said}"


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index pictures, two a patient, and learn a profile from reports of all but the last two."""
    place = tmp_path_factory.mktemp("profiles")
    (place / "scans").mkdir()
    for i in range(N):
        draw(place / "scans" / f"{i}.png", i)
    lines = [f'{i}.png,p{i // 4}-{i % 2},"{report(i)}"' for i in range(N - 2)]
    (place / "reports.csv").write_text("\n".join(["file,patient,findings", *lines, "gone.png,q,Mass.", ""]))
    words = ("index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--side", 8, "--jobs", 1)
    assert run(*words) == 0
    words = ("learn-profile", place / "i", "--reports", place / "reports.csv", "--quiet")
    assert run(*words, "--found", place / "found.csv") == 0
    return place


def test_it_says_what_it_was_learnt_from_and_which_cells_are_beyond_chance(
    learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(learnt / "i", tmp_path / "i")
    capsys.readouterr()
    assert run("learn-profile", tmp_path / "i", "--reports", learnt / "reports.csv") == 0
    told = capsys.readouterr()
    assert f"{BY} learnt from 38 images with a report, 20 patients" in told.err
    assert "terms: effusion 10, emphysema 10" in told.err
    assert "1 report names no image: gone.png" in told.err and f"{BY} was there" in told.err
    *cells, last = told.out.splitlines()
    assert cells and all("emphysema" in line or "effusion" in line for line in cells)
    assert last.startswith(f"{len(cells)} of 8 cells")


def test_the_terms_of_each_image_are_a_table_of_labels(
    learnt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (learnt / "found.csv").read_text().splitlines()
    assert rows[:3] == ["path,label", "0.png,emphysema", "1.png,effusion"]
    capsys.readouterr()
    words = ("query", learnt / "i", "38.png", "--findings", "--labels", learnt / "found.csv", "--json")
    assert run(*words) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["findings"]["verdict"] == "emphysema"


def test_the_table_of_terms_names_no_file_of_an_index_that_hides_names(learnt: Path, tmp_path: Path) -> None:
    words = ("index", learnt / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--names", "hash")
    assert run(*words, "--jobs", 1, "--quiet") == 0
    words = ("learn-profile", tmp_path / "i", "--reports", learnt / "reports.csv", "--quiet")
    assert run(*words, "--found", tmp_path / "found.csv") == 0
    written = (tmp_path / "found.csv").read_text()
    assert len(written.splitlines()) == N and not any(f"{i}.png," in written for i in [*range(N), "gone"])
    # It is a table of labels all the same.
    with Index.open(tmp_path / "i") as index:
        paths = [line.partition(",")[0] for line in written.splitlines()[1:]]
        assert len(set(paths) & set(index.names)) == N - 2


def test_the_text_of_no_report_is_kept(learnt: Path) -> None:
    files = [path for path in (learnt / "i").rglob("*") if path.is_file()]
    assert len(files) > 10
    for word in (b"Zyxname", "Zyxname".encode("utf-16-le"), b"Pleuraerguss", b"p3-1"):
        assert not [path for path in files if word in path.read_bytes()]


def test_a_term_finds_images_with_and_without_a_report(
    learnt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("query", learnt / "i", "--term", "emphysema", "-k", N, "--csv") == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    places, scores = rows[0].index("id"), rows[0].index("score")
    half = [int(row[places].removesuffix(".png")) for row in rows[1 : N // 2 + 1]]
    assert all(i % 2 == 0 for i in half) and 38 in half
    assert float(rows[1][scores]) > 0 > float(rows[-1][scores])


def test_the_profile_is_ranked_by_name_evaluated_and_no_part_of_a_plain_answer(
    learnt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Index.open(learnt / "i") as index:
        assert index.representations == ["thumbnail", BY]
        assert list(index.default_representations) == ["thumbnail"]
        assert index.verify() == []
        assert index.query("38.png", by=[BY], k=2)[1].id in {f"{i}.png" for i in range(0, N, 2)}
    (learnt / "kinds.csv").write_text(
        "\n".join(["path,label,patient", *(f"{i}.png,{i % 2},{i // 4}-{i % 2}" for i in range(N))])
    )
    capsys.readouterr()
    words = ("evaluate", learnt / "i", "--by", BY, "--labels", learnt / "kinds.csv", "--json", "--quiet")
    assert run(*words) == 0
    assert BY in capsys.readouterr().out


def test_new_images_get_profiles_and_the_profile_is_dropped_like_a_metric(
    learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(learnt / "i", tmp_path / "i")
    (tmp_path / "more").mkdir()
    draw(tmp_path / "more" / "new.png", 100)
    assert run("index", tmp_path / "more", "-o", tmp_path / "i", "--jobs", 1) == 0
    with Index.open(tmp_path / "i") as index:
        (odds, others) = index.vector("new.png", BY)[::-1]
        assert odds > 0 > others
    assert run("learn-metric", tmp_path / "i", "--drop", BY) == 0
    assert run("query", tmp_path / "i", "--term", "emphysema") == 2
    assert "no semantic profile" in capsys.readouterr().err


def test_the_map_of_a_term_is_drawn(learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    words = ("explain", learnt / "i", "38.png", "--term", "emphysema", "-o", tmp_path / "where.png")
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith("emphysema: log-odds +")
    assert cv2.imread(str(tmp_path / "where.png")).shape[1] > 1000


def test_a_term_finds_the_same_over_shards_and_names_one_that_is_away(
    learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("shard", learnt / "i", "--into", 2, "-o", tmp_path / "split", "--quiet") == 0
    plan = tmp_path / "split" / "shards.toml"
    capsys.readouterr()
    words = ("--term", "emphysema", "-k", N, "--json", "--where", "id != '4.png'")
    assert run("query", learnt / "i", *words) == 0
    one = capsys.readouterr().out
    assert run("query", plan, *words) == 0
    assert capsys.readouterr().out == one
    with Index.open(tmp_path / "split" / "shard-1") as shard:
        gone = set(shard.names)
    shutil.rmtree(tmp_path / "split" / "shard-1")
    assert run("query", plan, *words) == 0
    told = capsys.readouterr()
    (answer,) = json.loads(told.out)
    assert [hit["id"] for hit in answer["hits"]] == [
        hit["id"] for hit in json.loads(one)[0]["hits"] if hit["id"] not in gone
    ]
    assert "1 of 2 shards is away" in answer["lacking"] and answer["lacking"] in told.err


def test_the_map_of_a_term_is_drawn_over_shards_too(
    learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("shard", learnt / "i", "--into", 2, "-o", tmp_path / "split", "--quiet") == 0
    capsys.readouterr()
    words = ("38.png", "--term", "emphysema", "-o", tmp_path / "where.png")
    assert run("explain", learnt / "i", *words) == 0
    assert run("explain", tmp_path / "split" / "shards.toml", *words) == 0
    one, two = capsys.readouterr().out.splitlines()
    assert one == two


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("query", "--term", "emphysem"), "none that thumbnail+profile has learnt"),
        (("query", "3.png", "--term", "emphysema"), "a term asks, and no image"),
        (("query", "--term", "emphysema", "--findings"), "a term asks, and no image"),
        (("query", "--term", "emphysema", "--polygon", "0,0,9,0,9,9"), "a term asks, and no image"),
        (("query", "--term", "emphysema", "--through", "5"), "a term asks, and no image"),
        (("query", "--term", "emphysema", "--heat-map", "a.png"), "no image; leave heat-map out"),
        (("query", "--term", "emphysema", "--geojson", "a"), "no image; leave geojson out"),
        (("query", "--term", "emphysema", "--um-per-px", "1"), "no image; leave um-per-px out"),
        (("query", "--term", "emphysema", "--exclude-self"), "no image; leave exclude-self out"),
        (("query", "--term", "emphysema", "--margin", "3"), "no image; leave margin out"),
        (("query", "--term", "emphysema", "--to-sheet"), "no image; leave to-sheet out"),
        (("query", "--term", "emphysema", "--blind", "3"), "blind: a term asks, and no image"),
        (("explain", "3.png", "--term", "effusion", "--region", "1,1,5,5", "-o", "x.png"), "region"),
        (("query", "--term", "emphysema", "--by", "thumbnail"), "give one profile with --by"),
        (("query",), "IMAGE"),
        (("explain", "3.png", "-o", "x.png"), "--term TERM without one"),
        (("learn-profile", "--reports", "missing.csv"), "missing.csv"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    learnt: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(words[0], learnt / "i", *words[1:]) == 2
    told = capsys.readouterr()
    assert message in told.err and len(told.err.splitlines()) == 1
