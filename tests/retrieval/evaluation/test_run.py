"""Facts about evaluations: what asks, what is found, and what comes out."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.commands.evaluate import notes
from cli.main import main
from cli.output.evaluation_tables import as_text
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import SettingError
from retrieval.evaluation import EvaluationOptions, Judgements, evaluate
from retrieval.evaluation.calibration import ClassificationScores
from retrieval.evaluation.cross_fitting import folds
from retrieval.evaluation.scored_query import ScoredQuery
from retrieval.evaluation.task import prepare
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.ranker import Ranking
from retrieval.statistics.groups import numbered
from retrieval.statistics.measures import average_precision, bootstrap_interval
from retrieval.statistics.paired_tests import randomisation_test
from retrieval.statistics.tied_ranking import TiedRanking

N = 25
"""How many pictures have a label: 24 of 12 patients, and a copy of the first that says it is another's."""


def make_pictures(folder: Path, table: Path) -> None:
    """Write stripes along or across, under random blobs, and their table of labels."""
    folder.mkdir()
    lines = ["path,label,patient,split"]
    for i in range(24):
        rng = np.random.default_rng(i)
        rows, cols = np.indices((48, 48))
        wave = np.sin((rows if i % 2 else cols) * 0.4 + rng.uniform(0, 0.8))
        blobs = cv2.resize(rng.normal(size=(3, 3)), (48, 48), interpolation=cv2.INTER_CUBIC)
        noise = cv2.GaussianBlur(rng.normal(size=(48, 48)), (0, 0), 0.7)
        levels = np.clip(128 + 25 * wave + 30 * np.clip(blobs, -1.5, 1.5) + 40 * noise, 0, 255)
        assert cv2.imwrite(str(folder / f"{i}.png"), levels.astype(np.uint8))
        lines.append(f"{i}.png,{'odd' if i % 2 else 'even'},p{i // 2},{'train' if i < 16 else 'test'}")
    first = cv2.imread(str(folder / "0.png"), cv2.IMREAD_GRAYSCALE)
    assert cv2.imwrite(str(folder / "copy.png"), (0.8 * first + 20).astype(np.uint8))
    lines.append("copy.png,even,p99,")
    assert cv2.imwrite(str(folder / "plain.png"), np.full((48, 48), 90, np.uint8))
    table.write_text("\n".join([*lines, ""]))


PERCENT = ("mAP", "MAP@R", "R-prec", "nDCG@10", "bpref", "P@1", "P@5", "P@10", "MV@1", "MV@5")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("evaluation")
    make_pictures(place / "scans", place / "labels.csv")
    with IndexWriter.create(place / "index") as made:
        made.add_representation(Thumbnail(8))
        made.add_representation(ColourHistogram())
        made.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return place


@pytest.fixture(scope="module")
def index(place):
    with Index.open(place / "index") as opened:
        yield opened


PLAIN = EvaluationOptions(by=("thumbnail", "colour"), fusion=("rrf", "sum"))


@pytest.fixture(scope="module")
def found(index):
    return evaluate(index, PLAIN)


def test_it_is_what_asking_one_by_one_comes_to(index, found):
    """The reference: the index's own query, picture by picture."""
    for by, fusion, system in (
        (("thumbnail",), "rrf", "thumbnail"),
        (("thumbnail", "colour"), "rrf", "thumbnail & colour, rrf"),
        (("thumbnail", "colour"), "sum", "thumbnail & colour, sum"),
    ):
        labels = {entry.name: entry.labels for entry in index.pictures()}
        labelled = [name for name in index.names if labels[name]]
        for i, query in enumerate(found.queries):
            hits = index.query(query, by=by, fusion=fusion, k=len(index), not_same="patient", among=labelled)
            right = np.array([bool(set(labels[hit.id]) & set(labels[query])) for hit in hits])
            tied = TiedRanking(right, np.array([hit.score for hit in hits], dtype=np.float32))
            assert found.of(system, "mAP")[i] == pytest.approx(tied.average_precision(), nan_ok=True)


def test_who_asks_and_who_is_found(found):
    assert len(found.queries) == N and found.column == "patient"
    assert found.n_database == N and found.n_unlabelled == 1 and found.unmatched == ()
    assert list(found.values) == [
        "random",
        "thumbnail",
        "colour",
        "thumbnail & colour, rrf",
        "thumbnail & colour, sum",
    ]


def test_a_good_way_of_ranking_is_above_the_random_one(found):
    assert found.mean("thumbnail", "mAP") > found.mean("random", "mAP") + 0.1
    low, high = found.interval("thumbnail", "mAP")
    assert low < found.mean("thumbnail", "mAP") < high
    assert {(c.first, c.second) for c in found.comparisons} >= {("thumbnail", "colour")}
    assert not any("random" in (c.first, c.second) for c in found.comparisons)


def test_classes_and_macro(found):
    each = found.per_class("thumbnail", "P@1")
    assert set(each) == {"even", "odd"}
    assert found.macro("thumbnail", "P@1") == pytest.approx(np.mean(list(each.values())))


def test_the_same_again_is_the_same(index, found):
    again = evaluate(index, PLAIN)
    for name, values in found.values.items():
        assert np.array_equal(values, again.values[name], equal_nan=True)
    assert again.comparisons == found.comparisons


def test_a_near_duplicate_of_another_patient_is_found_and_left_out(found):
    assert {(leak.query, leak.found) for leak in found.leaks} == {
        ("copy.png", "0.png"),
        ("0.png", "copy.png"),
    }
    at = found.queries.index("copy.png")
    assert found.of("thumbnail", "P@1")[at] == 1
    assert found.clean is not None
    clean = dict(zip(found.measures, found.clean["thumbnail"][:, at], strict=True))
    assert clean["mAP"] < found.of("thumbnail", "mAP")[at]
    others = [i for i, name in enumerate(found.queries) if name not in ("0.png", "copy.png")]
    for name in found.values:
        assert np.array_equal(found.values[name][:, others], found.clean[name][:, others], equal_nan=True)


def test_split(index):
    by_split = evaluate(index, replace(PLAIN, queries="split"))
    assert set(by_split.queries) == {f"{i}.png" for i in range(16, 24)}
    assert by_split.n_database == 16


def test_named_queries_and_a_condition(index):
    few = evaluate(index, replace(PLAIN, queries=["3.png", "1.png"], where="label = 'odd'", not_same="none"))
    assert few.queries == ("1.png", "3.png") and few.column is None
    assert few.n_database == N // 2
    assert few.mean("random", "P@1") == 1  # only their own class can be found


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"by": ("sift",)}, "no representation 'sift'"),
        ({"by": ("thumbnail", "thumbnail")}, "given twice"),
        ({"by": ("thumbnail,thumbnail",)}, "name each representation once"),
        ({"queries": ["nobody.png"]}, "no such image"),
        ({"queries": ["plain.png"]}, "plain.png has no label"),
        ({"queries": []}, "none are given"),
        ({"label": "mood"}, "no column 'mood'"),
        ({"not_same": "mood"}, "no column 'mood'"),
        ({"where": "mood = 1"}, "no column 'mood'"),
    ],
)
def test_what_makes_no_sense_is_refused(index, change, text):
    with pytest.raises(SettingError, match=text):
        evaluate(index, replace(PLAIN, **change))


@pytest.mark.parametrize(
    "change",
    [{"fusion": ("best",)}, {"protocol": "mine"}, {"queries": "all"}, {"cutoffs": (0,)}, {"depth": 2}],
)
def test_terms_that_make_no_sense(index, change):
    with pytest.raises(SettingError):
        evaluate(index, replace(PLAIN, **change))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cutoffs": 3}, "cutoffs: 3 will not do; give whole numbers"),
        ({"cutoffs": (1.5,)}, "cutoffs: (1.5,) will not do"),
        ({"cutoffs": (2,), "protocol": "denner"}, "cutoffs: denner has measures of its own"),
        ({"blind": "2"}, "blind: '2' will not do; give a whole number"),
        ({"blind": True}, "blind: True will not do"),
        ({"seed": -1}, "seed: -1 is below 0; give 0 or more"),
        ({"seed": "x"}, "seed: 'x' will not do"),
        ({"label": 3}, "label: 3 will not do; give text"),
        ({"where": 5}, "where: 5 will not do"),
    ],
)
def test_options_of_another_kind_are_named(given, said):
    with pytest.raises(SettingError, match=re.escape(said)):
        EvaluationOptions(**given)
    EvaluationOptions(cutoffs=np.array([1, 5]), seed=np.int64(3))


def test_the_command(place, capsys):
    index, table = str(place / "index"), str(place / "labels.csv")
    assert main(["evaluate", index, "--by", "thumbnail", "--by", "colour", "--fusion", "rrf"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("by ") and "mAP by class" in told.out and "p, all pairs" in told.out
    assert (
        f"{N} queries of 2 classes, {N} images to find; for each query images of its own patient are left out"
        in told.err
    )
    assert "2 queries have a near-duplicate" in told.err
    assert main(["evaluate", index, "--labels", table, "--by", "thumbnail", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["systems"]) == {"random", "thumbnail", "colour"}
    assert set(PERCENT) <= set(said["systems"]["thumbnail"])
    assert main(["evaluate", index, "--by", "thumbnail,colour", "--fusion", "sum", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("system,measure,class,queries")
    assert any(line.startswith('"thumbnail & colour, sum",mAP,even,') for line in lines)


def test_what_could_not_be_measured_is_a_dash(found):
    nothing = replace(found.comparisons[0], difference=float("nan"), low=float("nan"), high=float("nan"))
    table = as_text(replace(found, comparisons=(nothing,)))
    assert "nan" not in table
    assert table.rstrip().splitlines()[-1].split()[2:] == ["-"] * 4


def test_files_of_trec_say_the_same(place, capsys, tmp_path):
    ir_measures = pytest.importorskip("ir_measures")
    index = str(place / "index")
    assert main(["evaluate", index, "--by", "thumbnail", "--trec", str(tmp_path / "t"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["systems"]
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "t" / "qrels.txt")))
    ours = {"AP": "mAP", "Rprec": "R-prec", "nDCG@10": "nDCG@10", "Bpref": "bpref", "P@5": "P@5"}
    for system in ("random", "thumbnail", "colour"):
        run = list(ir_measures.read_trec_run(str(tmp_path / "t" / f"{system}.run")))
        wanted = [ir_measures.parse_measure(name) for name in (*ours, "Success@5")]
        theirs = {str(m): v for m, v in ir_measures.calc_aggregate(wanted, qrels, run).items()}
        for name, own in {**ours, "Success@5": "ACC@5"}.items():
            assert said[system][own]["mean"] == pytest.approx(theirs[name], abs=1e-6), (system, name)


def test_wrong_usage_of_the_command(place, capsys, tmp_path):
    index = str(place / "index")
    assert main(["evaluate", index, "--queries", str(tmp_path / "none.txt")]) == 2
    assert "no such image in this index" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    assert main(["evaluate", index, "--queries", str(tmp_path / "binary")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["evaluate", index, "--cutoffs", "0,5"]) == 2
    (tmp_path / "ids.txt").write_text("1.png\n3.png\n")
    for given in ("1.png,3.png", str(tmp_path / "ids.txt")):
        assert main(["evaluate", index, "--by", "thumbnail", "--queries", given, "--no-baselines"]) == 0
        assert "2 queries of 1 class," in capsys.readouterr().err
    (tmp_path / "empty.csv").write_text("path,label\n")
    assert main(["evaluate", index, "--labels", str(tmp_path / "empty.csv")]) == 2
    (tmp_path / "other.csv").write_text("path,label\nx.png,y\n")
    assert main(["evaluate", index, "--labels", str(tmp_path / "other.csv")]) == 2
    assert "no row names an image" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "nothing")]) == 1


def test_a_metric_is_learnt_anew_and_has_never_seen_the_labels_of_its_queries(place, index, tmp_path):
    """With labels dealt by lot a metric that had seen them would look perfect; this one is at chance."""
    lines = (place / "labels.csv").read_text().splitlines()
    names = [line.split(",")[0] for line in lines[1:]]
    rng = np.random.default_rng(5)
    for by, queries in (("thumbnail+nca", None), ("thumbnail+wccn", "split")):
        apart = []
        for draw in range(8):
            labels = rng.permutation(np.arange(len(names)) % 2)
            table = [
                f"{n},{'ab'[k]},{line.split(',', 2)[2]}"
                for n, k, line in zip(names, labels, lines[1:], strict=True)
            ]
            (tmp_path / f"{draw}.csv").write_text("\n".join(["path,label,patient,split", *table, ""]))
            drawn = LabelTable.read(tmp_path / f"{draw}.csv")
            found = evaluate(
                index, EvaluationOptions(by=(by,), labels=drawn, queries=queries, has_leaks=False)
            )
            apart.append(found.mean(by, "mAP") - found.mean("random", "mAP"))
        assert abs(np.mean(apart)) < 0.12
    right = evaluate(index, EvaluationOptions(by=("thumbnail+nca", "thumbnail"), fusion=("sum", "learnt")))
    assert right.mean("thumbnail+nca", "mAP") > right.mean("random", "mAP") + 0.1
    assert set(right.weights["thumbnail+nca & thumbnail, learnt"]) == {"thumbnail+nca", "thumbnail"}
    # Average precision rises by labels that mean nothing, too: that is said, and decides nothing.
    assert right.compared_by == "R-prec" and "thumbnail" not in right.knowing
    fusions = {f"thumbnail+nca & thumbnail, {rule}" for rule in ("sum", "learnt")}
    assert set(right.knowing) == {"thumbnail+nca", *fusions}
    said = "find, if never from the query's: thumbnail+nca; mAP, MAP@R and bpref rise"
    assert any(said in line for line in notes(right))
    pair = next(c for c in right.comparisons if {c.first, c.second} == {"thumbnail+nca", "thumbnail"})
    difference = right.mean(pair.first, "R-prec") - right.mean(pair.second, "R-prec")
    assert pair.difference == pytest.approx(difference)
    assert "R-prec, paired" in as_text(right)
    with pytest.raises(SettingError, match="no method of that name"):
        evaluate(index, EvaluationOptions(by=("thumbnail+magic",)))


def test_blind_feedback_and_learnt_weights_stand_in_the_table(index):
    found = evaluate(index, replace(PLAIN, fusion=("sum", "learnt"), blind=3))
    names = list(found.values)
    assert "thumbnail & colour, sum blind 3" in names and "thumbnail & colour, learnt" in names
    weights = found.weights["thumbnail & colour, learnt"]
    assert sum(weights.values()) == pytest.approx(1)
    at = found.queries.index("5.png")
    others = [name for name in index.names if name not in ("plain.png", "4.png", "5.png")]
    options = {"by": ("thumbnail", "colour"), "fusion": "sum", "blind": 3, "k": len(others)}
    hits = index.query("5.png", among=others, **options)
    right = [index.picture(hit.id).labels == ("odd",) for hit in hits]
    assert found.of("thumbnail & colour, sum blind 3", "mAP")[at] == pytest.approx(average_precision(right))


def test_classification_stands_in_the_evaluation(index, found, place, capsys):
    called = found.classified["thumbnail"]
    assert called.n == N and called.low <= called.accuracy <= called.high
    assert called.accuracy == pytest.approx(found.classified["thumbnail"].accuracy)
    assert called.accuracy > found.classified["random"].accuracy
    for one in found.classified.values():
        assert 0 <= one.calibration_error <= 1 and 0 <= one.brier <= 1 and 0 <= one.unknown <= 1
    assert main(["evaluate", str(place / "index"), "--by", "thumbnail", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["classification"]["thumbnail"]
    assert said["accuracy"] == pytest.approx(called.accuracy)


def test_votes_by_hand():
    scores, judgements = ClassificationScores(), Judgements([(x,) for x in "abbac"])
    ranking = Ranking(np.array([1, 2, 3]), np.array([3, 2, 1], np.float32))
    scores.add(ScoredQuery(0, ranking, judgements))  # b with (1 + 1/2) of (1 + 1/2 + 1/3), and a is right
    scores.add(ScoredQuery(4, ranking, judgements))  # nothing is right: not counted
    assert scores.positions == [0] and scores.right == [False]
    assert scores.shares == pytest.approx([1.5 / (11 / 6)])


def test_intervals_agree_between_two_indexes_of_the_same_images(tmp_path):
    """Pseudonyms of patients are salted: their order, and with it what is drawn, differs by index."""
    found = []
    make_pictures(tmp_path / "scans", tmp_path / "labels.csv")
    rows = [line.split(",") for line in (tmp_path / "labels.csv").read_text().splitlines()[1:]]
    for salt in ("one", "two"):
        hashed = [hashlib.sha256(f"{salt}{row[2]}".encode()).hexdigest()[:12] for row in rows]
        lines = [f"{row[0]},{row[1]},{own}" for row, own in zip(rows, hashed, strict=True)]
        (tmp_path / f"{salt}.csv").write_text("\n".join(["path,label,patient", *lines, ""]))
        with IndexWriter.create(tmp_path / salt) as made:
            made.add_representation(Thumbnail(8))
            made.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / f"{salt}.csv"))
        with Index.open(tmp_path / salt) as index:
            options = EvaluationOptions(by=("thumbnail", "thumbnail+wccn"), fusion=("learnt",))
            found.append(evaluate(index, options))
    one, two = found
    for system in one.values:
        assert one.interval(system, "mAP") == two.interval(system, "mAP")
    assert one.comparisons == two.comparisons
    # As text: the accuracy of what is known is NaN where nothing is, which equals nothing.
    assert repr(one.classified) == repr(two.classified)
    assert one.weights == two.weights


def test_the_random_order_does_not_depend_on_names(tmp_path, found):
    """The same images under other names, in another order: the same measures, image by image."""
    make_pictures(tmp_path / "scans", tmp_path / "labels.csv")
    rows = [line.split(",") for line in (tmp_path / "labels.csv").read_text().splitlines()[1:]]
    renamed = {row[0]: f"{hashlib.sha256(row[0].encode()).hexdigest()[:8]}.png" for row in rows}
    for old, new in renamed.items():
        (tmp_path / "scans" / old).rename(tmp_path / "scans" / new)
    lines = [",".join([renamed[row[0]], *row[1:]]) for row in rows]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,patient,split", *lines, ""]))
    with IndexWriter.create(tmp_path / "i") as made:
        made.add_representation(Thumbnail(8))
        made.add_representation(ColourHistogram())
        made.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(tmp_path / "i") as index:
        again = evaluate(index, PLAIN)
        other = evaluate(index, replace(PLAIN, seed=1))
    own = dict(zip(found.queries, found.of("random", "mAP").tolist(), strict=True))
    theirs = dict(zip(again.queries, again.of("random", "mAP").tolist(), strict=True))
    assert {renamed[name]: value for name, value in own.items()} == pytest.approx(theirs)
    assert not np.array_equal(other.of("random", "mAP"), again.of("random", "mAP"))


def test_copies_are_in_one_fold_and_vote_once(index):
    task = index.ask(lambda snapshot: prepare(snapshot, PLAIN))
    names = list(index.names)
    first, copy = names.index("0.png"), names.index("copy.png")
    assert task.groups[first] != task.groups[copy] and task.apart[first] == task.apart[copy]
    assert task.copies[first] == task.copies[copy]
    assert len(set(task.copies.tolist())) == len(names) - 1
    # The patient of 0.png has another image, which stays with both.
    assert task.apart[names.index("1.png")] == task.apart[copy]
    dealt = folds(task, task.queries, 5, 0)
    of = dict(zip(task.queries.tolist(), dealt.tolist(), strict=True))
    assert of[first] == of[copy]
    plain = index.ask(lambda snapshot: prepare(snapshot, replace(PLAIN, has_leaks=False)))
    assert np.array_equal(plain.apart, plain.groups)


def test_patients_who_share_an_image_are_resampled_as_one(index, found, place, capsys):
    # p0 has 0.png and 1.png, and p99 a copy of 0.png.
    own = {name: int(group) for name, group in zip(found.queries, found.groups, strict=True)}
    assert own["0.png"] == own["1.png"] == own["copy.png"] and len(set(own.values())) == 12
    assert found.n_joined == 1
    values = found.of("thumbnail", "mAP")
    person = ["p0" if name == "copy.png" else f"p{int(name[:-4]) // 2}" for name in found.queries]
    assert found.interval("thumbnail", "mAP") == bootstrap_interval(values, numbered(person))
    paired = next(c for c in found.comparisons if {c.first, c.second} == {"thumbnail", "colour"})
    gain = found.of(paired.first, "mAP") - found.of(paired.second, "mAP")
    assert paired.p == randomisation_test(gain, numbered(person))
    called = found.classified["colour"]
    assert (called.low, called.high) != (called.accuracy, called.accuracy)
    assert main(["evaluate", str(place / "index"), "--by", "thumbnail", "--json"]) == 0
    told = capsys.readouterr()
    assert "1 patient shares one with another" in told.err and json.loads(told.out)["n_joined"] == 1
    assert main(["evaluate", str(place / "index"), "--by", "thumbnail", "--json", "--no-leaks"]) == 0
    assert json.loads(capsys.readouterr().out)["n_joined"] == 0


def test_a_copy_of_every_image_makes_no_interval_narrower(tmp_path):
    """Twelve people, each under two names: intervals are those of twelve draws, not of twenty-four."""
    make_pictures(tmp_path / "scans", tmp_path / "labels.csv")
    for name in ("copy.png", "plain.png", *(f"{i}.png" for i in range(12, 24))):
        (tmp_path / "scans" / name).unlink()
    lines = ["path,label,patient"]
    for i in range(12):
        shutil.copy(tmp_path / "scans" / f"{i}.png", tmp_path / "scans" / f"x{i}.png")
        lines += [f"{name}.png,{'odd' if i % 2 else 'even'},{name}" for name in (str(i), f"x{i}")]
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(tmp_path / "i") as made:
        made.add_representation(Thumbnail(8))
        made.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    with Index.open(tmp_path / "i") as index:
        options = EvaluationOptions(by=("thumbnail",), fusion=())
        found, apart = (evaluate(index, replace(options, has_leaks=leaks)) for leaks in (True, False))
    assert (found.n_joined, apart.n_joined) == (12, 0) and len(set(found.groups.tolist())) == 12
    width, narrow = (high - low for low, high in (one.interval("thumbnail", "mAP") for one in (found, apart)))
    assert width > 1.2 * narrow


def test_a_chain_of_patients_who_share_images_is_one_and_has_no_interval(tmp_path, capsys):
    """A is B's, B is C's and C is A's by an image each: what one person shows says nothing of others."""
    (tmp_path / "scans").mkdir()
    lines = ["path,label,patient"]
    for i in range(3):
        image = np.random.default_rng(i).integers(0, 200, (64, 64)).astype(np.uint8)
        for name, owner in ((f"{i}.png", i), (f"{i}-copy.png", (i + 1) % 3)):
            assert cv2.imwrite(str(tmp_path / "scans" / name), image + np.uint8(20 * (owner == i)))
            lines.append(f"{name},a,p{owner}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(tmp_path / "i") as made:
        made.add_representation(Thumbnail(8))
        made.update([tmp_path / "scans"], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    assert main(["evaluate", str(tmp_path / "i"), "--by", "thumbnail", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_joined"] == 2 and found["systems"]["thumbnail"]["mAP"]["interval"] == [None, None]
    assert found["comparisons"][0]["interval"] == [None, None] and found["comparisons"][0]["p"] == 1
    assert main(["evaluate", str(tmp_path / "i"), "--by", "thumbnail"]) == 0
    told = capsys.readouterr()
    assert "nan" not in told.out and "2 patients share one with another" in told.err


def test_votes_of_copies_by_hand():
    judgements = Judgements([(x,) for x in "abbcab"])
    # 1 and 2 are one image, and 5 is the query's copy.
    scores = ClassificationScores(np.array([0, 1, 1, 2, 3, 0]))
    scores.add(
        ScoredQuery(0, Ranking(np.array([5, 1, 2, 4, 3]), np.array([5, 4, 3, 2, 1], np.float32)), judgements)
    )
    assert scores.shares == pytest.approx([1 / (1 + 1 / 2 + 1 / 3)]) and scores.right == [False]
