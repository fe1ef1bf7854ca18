"""Facts about findings: what a label table makes of matching cases, and the references for it."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from cli.main import main
from retrieval.answers.enrichment import Findings, find_labels
from retrieval.errors import SettingError
from retrieval.metadata.reference_table import Reference, References

CASES = [{"a"}] * 6 + [{"a", "b"}] * 2 + [{"b"}] * 4 + [{"c"}] * 28


def test_counts_and_tests_are_those_of_scipy():
    matching = [{"a"}] * 4 + [{"a", "b"}] + [{"c"}]
    found = {finding.label: finding for finding in find_labels(matching, CASES)}
    assert {label: (f.found, f.labelled) for label, f in found.items()} == {
        "a": (5, 8),
        "b": (1, 6),
        "c": (1, 28),
    }
    for finding in found.values():
        expected = stats.hypergeom(40, finding.labelled, 6).sf(finding.found - 1)
        assert finding.p == pytest.approx(float(expected), rel=1e-9)
        assert finding.expected == pytest.approx(6 * finding.labelled / 40)
        assert finding.enrichment == pytest.approx(finding.found / finding.expected)
        assert finding.low <= finding.share <= finding.high
    assert found["a"].is_significant and found["a"].adjusted == pytest.approx(3 * found["a"].p)


def test_a_case_counts_once_for_each_of_its_labels():
    (finding,) = find_labels([["a", "a"]], [["a", "a"], ["a"], []])
    assert (finding.found, finding.labelled, finding.total) == (1, 2, 3)


def test_labels_that_no_matching_case_has_are_corrected_for_and_not_shown():
    matching, cases = [{"a"}], [{"a"}, {"b"}, {"c"}, {"d"}]
    (finding,) = find_labels(matching, cases)
    assert (finding.label, finding.p) == ("a", pytest.approx(0.25))
    assert finding.adjusted == pytest.approx(1.0)  # four labels were looked at


def test_neighbours_that_disagree_are_no_evidence():
    found = find_labels([{"a"}, {"b"}, {"c"}], CASES)
    assert Findings("patient", 3, 40, found).verdict == "not enough evidence"
    assert Findings("patient", 0, 40, ()).verdict == "not enough evidence"


def test_a_matching_case_must_be_one_of_the_cases():
    with pytest.raises(SettingError, match="not among the cases"):
        find_labels([{"z"}], CASES)


def test_by_chance_few_answers_have_any_finding():
    random = np.random.default_rng(0)
    n = 250
    said = [
        any(f.is_significant for f in find_labels([CASES[i] for i in random.permutation(40)[:10]], CASES))
        for _ in range(n)
    ]
    assert np.mean(said) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)


def test_by_chance_few_answers_have_a_finding_if_cases_of_many_images_are_found_sooner():
    random, n = np.random.default_rng(0), 100
    sizes = [1] * 100 + [8] * 25
    owners, said, without_sizes = np.repeat(np.arange(125), sizes), [], []
    for _ in range(n):
        # Labels are dealt image by image, and so are places in the ranking.
        images = random.random((len(owners), 4)) < 0.15
        cases = [{"abcd"[i] for i in np.flatnonzero(images[owners == one].any(axis=0))} for one in range(125)]
        drawn = list(dict.fromkeys(owners[random.permutation(len(owners))].tolist()))[:10]
        matching = [cases[one] for one in drawn]
        found = find_labels(matching, cases, [sizes[one] for one in drawn], sizes)
        said.append(any(one.is_significant for one in found))
        without_sizes.append(any(one.is_significant for one in find_labels(matching, cases)))
    assert np.mean(said) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n) < np.mean(without_sizes)


def test_what_is_expected_by_chance_is_expected_in_each_stratum():
    cases, sizes = [{"a"}] * 2 + [{"b"}] * 8 + [{"a"}] * 4 + [{"b"}] * 4, [1] * 10 + [9] * 8
    found = find_labels([{"a"}, {"a"}, {"b"}], cases, [1, 9, 9], sizes)
    by_label = {one.label: one for one in found}
    assert by_label["a"].expected == pytest.approx(1 * 2 / 10 + 2 * 4 / 8)
    # 2 or 3 carry it. The one of few images does in 1 of 5 ways; of the two of many, both do in 3 of 14, and
    # neither does in as many.
    assert by_label["a"].p == pytest.approx(1 / 5 * 11 / 14 + 4 / 5 * 3 / 14)
    assert by_label["a"].enrichment == pytest.approx(2 / 1.2)


@pytest.mark.parametrize("sizes", [(None, [1] * 39), ([1], [0] + [1] * 39), ([2], [1] * 40)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(SettingError, match="findings"):
        find_labels([{"a"}], CASES, *sizes)


def test_many_labels_of_many_cases_are_tested_at_once():
    random = np.random.default_rng(0)
    cases = [{f"l{i}" for i in random.integers(500, size=5)} for _ in range(10_000)]
    sizes = random.integers(1, 200, size=10_000).tolist()
    start = time.perf_counter()
    find_labels(cases[:20], cases, sizes[:20], sizes)
    assert time.perf_counter() - start < 1


def test_references_keep_the_order_of_the_table(tmp_path):
    path = tmp_path / "references.csv"
    path.write_text(
        "\ufefftitle,label,link,author\nOne,a,https://x.org/1,me\nTwo,b,,\nThree,a,,\n", encoding="utf-8"
    )
    found = References.read(path)
    assert found.of(["b", "a", "none"]) == (
        Reference("b", "Two"),
        Reference("a", "One", "", "https://x.org/1"),
        Reference("a", "Three"),
    )


@pytest.mark.parametrize("content", [b"label,title\n\xff\xfe,x\n", b'label,title\n"lung,x\n'])
def test_tables_that_cannot_be_read_are_refused(tmp_path, content):
    path = tmp_path / "references.csv"
    path.write_bytes(content)
    with pytest.raises(SettingError, match="references"):
        References.read(path)


def test_only_findings_load_the_statistics_of_scipy(tmp_path):
    index = tmp_path / "i"
    pixels = np.random.default_rng(0).random((12, 8, 8), dtype=np.float32)
    folder = tmp_path / "scans"
    folder.mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray((255 * image).astype(np.uint8)).save(folder / f"{i}.png")
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(12)))
    assert main(["index", str(folder), "-o", str(index), "--by", "thumbnail", "--labels", str(table)]) == 0
    for flags, is_loaded in ([], False), (["--findings"], True):
        code = (
            f"import sys; from cli.main import main; main(['query', {str(index)!r}, '0.png', *{flags!r}]); "
            "print('scipy.stats' in sys.modules, 'sklearn' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == f"{is_loaded} False"
