"""Facts about a learnt metric in an index: learnt, derived, kept whole, replaced, refused, dropped."""

import hashlib

import cv2
import numpy as np
import pytest
from support.indexes import answers, change
from support.stand_ins import Mean, Words

from retrieval.baselines import Thumbnail
from retrieval.errors import FitError, IndexFolderError, SettingError
from retrieval.index import Index
from retrieval.index.update import learn_metric as learning
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.metric_learning import LearnedMetric, MetricLearner, Projection
from retrieval.rankers.block_sums import write_sums
from retrieval.representation import SparseVector

pytest.importorskip("sklearn")
pytestmark = pytest.mark.usefixtures("quick")

N = 24


def draw(folder, first, n):
    """Write pictures whose class, stripes along or across, hides below blobs that say nothing."""
    folder.mkdir(exist_ok=True)
    for number in range(first, first + n):
        rng = np.random.default_rng(number)
        rows, cols = np.indices((24, 24))
        stripes = np.sin((rows if number % 2 else cols) * 1.2 + rng.uniform(0, 0.8))
        blobs = cv2.resize(rng.normal(size=(3, 3)), (24, 24), interpolation=cv2.INTER_CUBIC)
        levels = 128 + 14 * stripes + 60 * np.clip(blobs, -1.5, 1.5)
        assert cv2.imwrite(str(folder / f"{number:02}.png"), np.clip(levels, 0, 255).astype(np.uint8))


def table(names, **columns):
    """Return a label table: even or odd, a patient for every two pictures, and columns that are given."""
    return LabelTable(
        {
            name: LabelRow(
                (("even", "odd")[int(name[:2]) % 2],),
                {"patient": f"p{int(name[:2]) // 2}", **{k: v(int(name[:2])) for k, v in columns.items()}},
                line,
            )
            for line, name in enumerate(names, start=2)
        }
    )


NAMES = [f"{number:02}.png" for number in range(N)]


@pytest.fixture
def folder(tmp_path):
    draw(tmp_path / "pictures", 0, N)
    return tmp_path / "pictures"


@pytest.fixture
def factories(kinds):
    return {"mean": kinds.Mean, "words": kinds.Words}


@pytest.fixture
def place(tmp_path, folder, kinds, factories):
    """Index the pictures by dense and by sparse vectors, with their labels."""
    with IndexWriter.create(tmp_path / "index", factories=factories) as index:
        for representation in (Thumbnail(8), kinds.Mean(), kinds.Words()):
            index.add_representation(representation)
        index.update([folder], jobs=1, labels=table(NAMES, split=lambda i: "train" if i < 16 else "test"))
    return tmp_path / "index"


def learn(place, by="thumbnail", *, factories=None, **terms):
    with IndexWriter.open(place, factories=factories) as index:
        return index.learn_metric(MetricOptions(by, **terms))


def flat(vector):
    """Return a vector as an array: that of a metric on words is as sparse as they are."""
    return vector.dense() if isinstance(vector, SparseVector) else vector


def drop(place, name):
    with IndexWriter.open(place) as index:
        index.drop_metric(name)


def contents(place):
    """Return a hash of every file of an index but its lock."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("by", ["thumbnail", "mean", "words"])
def test_what_is_stored_is_what_encoding_the_picture_gives_to_the_last_bit(place, factories, by):
    report = learn(place, by, factories=factories)
    assert report.name == f"{by}+nca"
    with Index.open(place, factories=factories) as index:
        assert index.representations == ["thumbnail", "mean", "words", report.name]
        assert index.verify() == []
        representation = index.representation(report.name)
        for name in index.names:
            stored = flat(index.vector(name, report.name))
            assert np.linalg.norm(stored) == pytest.approx(1, abs=1e-6)
            assert stored.tobytes() == flat(representation.encode(index.read(name)).vector).tobytes()
        asked = index.query(index.read("03.png"), by=[report.name], k=3)
        assert asked == index.query("03.png", by=[report.name], k=3)
        assert asked[0].id == "03.png"


def test_a_metric_ranks_better_than_what_it_was_learnt_on(place):
    def share(index, by):
        found = [index.query(name, by=[by], k=2)[1].id for name in index.names]
        return np.mean([int(a[:2]) % 2 == int(b[:2]) % 2 for a, b in zip(index.names, found, strict=True)])

    learn(place, learner=MetricLearner(components=20))
    with Index.open(place) as index:
        assert share(index, "thumbnail+nca") > share(index, "thumbnail") + 0.2


def test_a_metric_ranks_with_its_base_unless_it_is_to_rank_alone(place):
    report = learn(place, learner=MetricLearner("wccn"), name="both", blend=0.5)
    assert report.blend.factor == 0.5 and report.blend.weight > 0
    assert learn(place, learner=MetricLearner("wccn"), name="alone", blend=0.0).blend.weight == 0
    with Index.open(place) as index:
        scores = {
            by: {hit.id: hit.score for hit in index.query("03.png", by=[by], k=N)}
            for by in ("thumbnail", "thumbnail+alone", "thumbnail+both")
        }
        base, alone, both = scores.values()
        weight = index.representation("thumbnail+both").base_weight
        for name in index.names:
            expected = (alone[name] + weight * base[name]) / (1 + weight)
            assert both[name] == pytest.approx(expected, abs=1e-5)
        assert index.info()["representations"][-2]["report"]["blend"] == 0.5


def test_a_metric_is_fused_like_any_other(place, factories):
    learn(place)
    with Index.open(place, factories=factories) as index:
        fused = answers(index, "03.png", by=["thumbnail", "thumbnail+nca"])
        assert len(fused) == N
        assert fused not in (answers(index, "03.png", by=[b]) for b in ("thumbnail", "thumbnail+nca"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_update_derives_what_is_new_and_reads_no_picture_twice(place, folder, factories, jobs):
    learn(place)
    (folder / "00.png").unlink()
    draw(folder, N, 3)
    draw(folder.parent / "others", 40, 1)
    (folder / "01.png").write_bytes((folder.parent / "others" / "40.png").read_bytes())
    with IndexWriter.open(place, factories=factories) as index:
        report = index.update([folder], jobs=jobs)
        assert report.pictures == 4
        assert index.verify() == []
        representation = index.representation("thumbnail+nca")
        for name in ("01.png", "24.png", "26.png"):
            encoded = representation.encode(index.read(name)).vector
            assert index.vector(name, "thumbnail+nca").tobytes() == encoded.tobytes()
        assert index.update([folder], jobs=jobs).pictures == 0


def test_an_update_that_was_interrupted_before_deriving_is_made_up_for(place, folder, factories, monkeypatch):
    learn(place)
    draw(folder, N, 2)
    with monkeypatch.context() as patched:
        patched.setattr("retrieval.index.update.run.derive_all", interrupted)
        with IndexWriter.open(place, factories=factories) as index, pytest.raises(KeyboardInterrupt):
            index.update([folder], jobs=1)
    with IndexWriter.open(place, factories=factories) as index:
        (problem,) = index.verify()
        assert problem.startswith("thumbnail+nca: 2 images are not encoded yet")
        with pytest.raises(SettingError, match=r"24\.png: not encoded by thumbnail\+nca"):
            index.query("24.png", by=["thumbnail+nca"])
        index.update([], jobs=1)
        assert index.verify() == []


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_many_small_updates_leave_few_segments(place, folder, factories):
    learn(place)
    with IndexWriter.open(place, factories=factories) as index:
        for number in range(N, N + 8):
            draw(folder, number, 1)
            index.update([folder], jobs=1)
        assert {r["name"]: r["segments"] for r in index.info()["representations"]}["thumbnail+nca"] < 8
        assert index.verify() == []
        assert len(answers(index, "03.png", by=["thumbnail+nca"])) == N + 8


def test_a_metric_is_added_by_learning_only(tmp_path, factories):
    with IndexWriter.create(tmp_path / "bare", factories=factories) as index:
        with pytest.raises(SettingError, match=r"mean\+x: a \+ in a name marks a learnt metric"):
            index.add_representation(LearnedMetric(Mean(), "mean+x"))
        assert index.representations == []


def test_removing_and_compacting_keep_it_whole(place, factories):
    learn(place)
    with IndexWriter.open(place, factories=factories) as index:
        before = answers(index, "05.png", by=["thumbnail+nca"])
        index.remove(["04.png", "07.png"])
        left = [row for row in before if row[0] not in ("04.png", "07.png")]
        assert answers(index, "05.png", by=["thumbnail+nca"]) == left
        index.compact()
        assert index.verify() == []
        assert answers(index, "05.png", by=["thumbnail+nca"]) == left


def test_when_its_base_learns_again_a_metric_is_dropped_with_a_note(place, folder, factories):
    learn(place, "mean", factories=factories)
    learn(place, "words", factories=factories)
    # Of other images another mean is learnt; of the same ones all would stay as it is.
    draw(folder.parent / "others", 100, N)
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes((folder.parent / "others" / f"{100 + number}.png").read_bytes())
    with IndexWriter.open(place, factories=factories) as index:
        report = index.update([folder], jobs=1, refit=True)
        assert [note for note in report.notes if "mean+nca" in note] == [
            "mean+nca was learnt on vectors that are no more, and is dropped; learn it again with "
            "`semblance learn-metric`"
        ]
        assert index.representations == ["thumbnail", "words", "words+nca", "mean"]
        assert index.verify() == []


def test_a_metric_of_another_base_is_refused(place, factories):
    learn(place, "mean", factories=factories)
    change(place, "UPDATE representation SET recipe = 'x' WHERE name = 'mean'")
    refusal = pytest.raises(IndexFolderError, match=r"mean\+nca was learnt on another mean")
    with Index.open(place, factories=factories) as index, refusal:
        index.query("03.png", by=["mean+nca"])


def test_a_damaged_matrix_is_refused(place, factories):
    learn(place)
    with Index.open(place, factories=factories) as index:
        (model,) = [p for p in (place / "models").iterdir() if (p / "matrix.npy").is_file()]
        stored = bytearray((model / "matrix.npy").read_bytes())
        stored[-1] ^= 1
        (model / "matrix.npy").write_bytes(stored)
        with pytest.raises(IndexFolderError, match="damaged"):
            index.query("03.png", by=["thumbnail+nca"])


def test_learning_again_under_a_name_replaces_it(place):
    assert learn(place).is_new
    report = learn(place, learner=MetricLearner("lda"), name="nca", blend=0.0)
    assert (report.name, report.dimension, report.is_new) == ("thumbnail+nca", 1, False)
    with Index.open(place) as index:
        assert index.representations.count("thumbnail+nca") == 1
        assert index.vector("00.png", "thumbnail+nca").shape == (1,)
    assert len(list((place / "models").iterdir())) == 2  # mean's and this one's


def test_one_that_reads_meanwhile_gets_the_new_one(place, factories):
    with Index.open(place, factories=factories) as reader:
        assert len(answers(reader, "03.png", by=["thumbnail"])) == N
        learn(place)
        reader.refresh()
        assert len(answers(reader, "03.png", by=["thumbnail+nca"])) == N
        drop(place, "thumbnail+nca")
        with pytest.raises(SettingError, match="no representation"):
            reader.refresh() or reader.query("03.png", by=["thumbnail+nca"])


def test_dropping_leaves_the_index_as_it_was_before(place, factories):
    with Index.open(place, factories=factories) as index:
        before = index.info()["bytes"], index.representations
    learn(place)
    drop(place, "thumbnail+nca")
    with Index.open(place, factories=factories) as index:
        assert index.representations == before[1]
        assert index.info()["bytes"] == pytest.approx(before[0], abs=65536)
        assert index.verify() == []
    for name in ("thumbnail+nca", "thumbnail"):
        with pytest.raises(SettingError, match="no learnt metric of this index; it has none"):
            drop(place, name)


def test_labels_of_a_table_go_before_those_of_the_index(place):
    rows = {name: LabelRow(("a", "b")[int(name[:2]) < 12 :][:1], {}, 2) for name in NAMES[:-2]}
    report = learn(place, labels=LabelTable({**rows, "gone.png": LabelRow(("a",), {}, 9)}))
    assert report.classes == {"a": 10, "b": 12}
    assert (report.n_unlabelled, report.unmatched) == (2, ("gone.png",))


def test_a_condition_restricts_what_is_learnt_from_and_all_get_vectors(place, factories):
    report = learn(place, where="split = 'train'")
    assert report.classes == {"even": 8, "odd": 8}
    with Index.open(place, factories=factories) as index:
        assert len(answers(index, "20.png", by=["thumbnail+nca"])) == N
        alone = [index.vector(name, "thumbnail") for name in index.names[:16]]
    expected = MetricLearner().learn(alone, ["even", "odd"] * 8)
    with Index.open(place, factories=factories) as index:
        made = index.representation("thumbnail+nca")
        assert made.learnt()["matrix"].tobytes() == expected.matrix.tobytes()


def test_a_condition_may_name_a_column_of_the_table(place):
    labels = table(NAMES, fold=lambda i: i % 4 // 2)
    assert learn(place, labels=labels, where="fold = 1").classes == {"even": 6, "odd": 6}
    assert learn(place, labels=labels, where="label = 'odd' or fold = 0").classes == {"even": 6, "odd": 12}


def test_several_labels_are_one_class_and_a_lone_class_is_left_out(place):
    rows = {
        name: LabelRow(("x", "y") if i < 9 else ("y", "x") if i < 12 else ("z",), {}, 2)
        for i, name in enumerate(NAMES[:-1])
    }
    report = learn(place, labels=LabelTable({**rows, NAMES[-1]: LabelRow(("lone",), {}, 2)}))
    assert report.classes == {"x;y": 12, "z": 11}
    assert report.left_out == ("lone",)


def test_patients_keep_the_trial_clean(place):
    assert learn(place).group == "patient"
    assert learn(place, not_same="split").group == "split"
    assert learn(place, has_trial=False).trial is None
    with pytest.raises(SettingError, match="no column 'sex'"):
        learn(place, not_same="sex")


REFUSED = {
    "unknown": (
        {"by": "sift"},
        SettingError,
        "no representation 'sift' in this index; it has thumbnail, mean",
    ),
    "upon": ({"by": "thumbnail+lda"}, SettingError, "is learnt already"),
    "name": ({"name": "a+b"}, SettingError, r"name: 'a\+b'"),
    "no name": ({"name": ""}, SettingError, "name: ''"),
    "one class": ({"where": "label = 'odd'"}, FitError, "two classes"),
    "nothing": ({"where": "split = 'none'"}, SettingError, "no image meets"),
    "column": ({"where": "sex = 'f'"}, SettingError, "no column 'sex'"),
    "strangers": ({"labels": table(["98.png", "99.png"])}, SettingError, r"first is '98\.png'"),
    "lone": ({"labels": table(NAMES[:2])}, FitError, "two classes with two images each, and has 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_changes_nothing(place, case):
    terms, error, message = REFUSED[case]
    before = contents(place)
    with pytest.raises(error, match=message):
        learn(place, **terms)
    assert contents(place) == before


def test_without_labels_there_is_nothing_to_learn(tmp_path, folder):
    with IndexWriter.create(tmp_path / "bare") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
    with pytest.raises(SettingError, match="no image of this index has a label"):
        learn(tmp_path / "bare")


def test_what_was_never_fitted_is_refused(tmp_path, factories):
    with IndexWriter.create(tmp_path / "bare", factories=factories) as index:
        index.add_representation(Mean())
    with pytest.raises(SettingError, match="mean is not fitted yet"):
        learn(tmp_path / "bare", "mean", factories=factories)


def test_a_vector_that_is_not_a_number_is_refused(place):
    segments = [p for p in (place / "segments").iterdir() if (p / "vectors.npy").is_file()]
    (chosen,) = [p for p in segments if np.load(p / "vectors.npy").shape[1] == 64 and is_thumbnail(p)]
    vectors = np.load(chosen / "vectors.npy")
    vectors[5, 0] = np.nan
    np.save(chosen / "vectors.npy", vectors)
    write_sums(chosen)
    before = contents(place)
    with pytest.raises(IndexFolderError, match="is not finite"):
        learn(place)
    assert contents(place) == before


def is_thumbnail(segment):
    """Tell the thumbnails' vectors from the means': only theirs have unit length."""
    return np.allclose(np.linalg.norm(np.load(segment / "vectors.npy"), axis=1), 1, atol=1e-4)


def test_a_failure_in_the_last_moment_leaves_the_index_as_it_was(place, factories, monkeypatch):
    learn(place, name="old")
    with Index.open(place, factories=factories) as index:
        before = answers(index, "03.png", by=["thumbnail+old"])
    with monkeypatch.context() as patched:
        patched.setattr(learning, "note_fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            learn(place, name="old", learner=MetricLearner("lda"))
    with IndexWriter.open(place, factories=factories) as index:
        assert index.verify() == []
        assert answers(index, "03.png", by=["thumbnail+old"]) == before
        orphans = {p.name for p in (place / "models").iterdir()}
        assert len(orphans) == 2


def test_settings_for_queries_are_those_of_the_base(place, factories):
    class Soft(Words):
        """A base with a setting for queries."""

        query_settings = ("softness",)

        def adjusted(self, softness):
            return Words()

    projection = Projection(np.ones((64, 2), np.float32), np.zeros(2, np.float32))
    soft = LearnedMetric(Soft(), "words+x").with_projection(projection)
    assert soft.query_settings == ("softness",)
    assert type(soft.adjusted(softness=3).base) is Words
    assert soft.adjusted(softness=3).projection is projection
    assert LearnedMetric(Words(), "words+x").query_settings == ()
