"""The weights of a fusion in the flow: stale by labels and by what is fused, and learnt again when asked."""

import json

import cv2
import numpy as np
import pytest

from cli.main import main
from retrieval.evaluation import FusionOptions, learn_fusion
from retrieval.index.catalogue.learned_fusions import read_fusions
from retrieval.index.storage.store import Store
from retrieval.index.update.flow import Flow
from retrieval.index.update.relearn import stale_fusions
from retrieval.index.update.why import why

pytestmark = pytest.mark.usefixtures("quick")

N = 12
BY = ("sift", "thumbnail")


@pytest.fixture
def place(tmp_path, capsys):
    """Index images of two classes that differ in coarseness, and learn the weights of two representations."""
    random = np.random.default_rng(0)
    (tmp_path / "scans").mkdir()
    for number in range(N):
        pixels = cv2.GaussianBlur(random.integers(0, 255, (48, 48)).astype(np.uint8), (0, 0), 1 + number % 2)
        cv2.imwrite(str(tmp_path / "scans" / f"{number}.png"), pixels)
    label(tmp_path)
    index(tmp_path, "--by", "sift", "--by", "thumbnail", "--words", "8", "--points", "30")
    learn_fusion(tmp_path / "i", FusionOptions(BY))
    capsys.readouterr()
    return tmp_path / "i"


def label(folder, **other):
    lines = [f"{n}.png,{other.get(f'i{n}', 'coarse' if n % 2 else 'fine')}" for n in range(N)]
    (folder / "labels.csv").write_text("\n".join(["path,label", *lines]) + "\n")


def index(folder, *words):
    words = [str(folder / "scans"), "-o", str(folder / "i"), "--labels", str(folder / "labels.csv"), *words]
    assert main(["index", *words, "--jobs", "1", "--quiet"]) == 0


def state(place):
    """Return the weights that the index keeps, and why they are stale."""
    store = Store.open(place, False, {})
    try:
        (learnt,) = read_fusions(store.catalogue)
        return learnt, dict(stale_fusions(store, Flow(store))).get(BY, "")
    finally:
        store.close()


def test_what_is_learnt_is_a_node_of_the_flow(place):
    (node,) = [one for one in why(place) if one.name.startswith("weigh")]
    assert (node.name, node.because) == ("weigh sift, thumbnail", "")
    assert list(node.inputs) == ["learn sift", "learn thumbnail", "labels"]


def test_a_label_makes_weights_stale_and_remake_learns_them_again(place, tmp_path, capsys):
    before, because = state(place)
    assert because == ""
    label(tmp_path, i3="fine", i4="coarse", i5="fine", i6="coarse")
    index(tmp_path)
    said = "the weights of sift, thumbnail are stale, because labels changed; `semblance index --remake`"
    assert said in capsys.readouterr().err
    assert state(place) == (before, "labels changed")
    index(tmp_path, "--remake", "--dry-run")
    assert "weigh sift, thumbnail: 12 files, because labels changed" in capsys.readouterr().out
    index(tmp_path, "--remake")
    after, because = state(place)
    assert because == ""
    assert after.weights != before.weights
    assert after == learn_fusion(place, FusionOptions(BY))
    index(tmp_path, "--remake", "--dry-run")
    assert "nothing: all is up to date" in capsys.readouterr().out


def test_a_setting_of_what_is_fused_makes_the_weights_again(place, tmp_path, capsys):
    words = ("--by", "sift", "--words", "9", "--points", "30", "--remake")
    index(tmp_path, *words, "--dry-run", "--json")
    steps = {one["step"]: one["because"] for one in json.loads(capsys.readouterr().out)}
    assert steps["weigh sift, thumbnail"] == "sift is another"
    index(tmp_path, *words)
    capsys.readouterr()
    assert state(place)[1] == ""
    question = [str(place), "0.png", "--by", "sift", "--by", "thumbnail", "--fusion", "learnt", "--json"]
    assert main(["query", *question]) == 0
    assert len(json.loads(capsys.readouterr().out)[0]["hits"]) == 10


def test_weights_of_a_table_of_the_users_own_are_left_alone(place, tmp_path, capsys):
    own = [str(place), "--by", "sift", "--by", "thumbnail", "--labels", str(tmp_path / "labels.csv")]
    assert main(["learn-fusion", *own]) == 0
    before, _ = state(place)
    label(tmp_path, i3="fine", i4="coarse")
    index(tmp_path, "--remake")
    assert state(place) == (before, "")


def test_weights_without_labels_to_learn_from_stay_and_it_is_said(place, tmp_path, capsys):
    before, _ = state(place)
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"{n}.png,one{n}\n" for n in range(N)))
    index(tmp_path, "--remake")
    assert "the weights of sift, thumbnail could not be learnt again: " in capsys.readouterr().err
    assert state(place) == (before, "labels changed")
