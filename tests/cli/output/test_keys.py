"""The keys of all JSON and the columns of all CSV that commands print: programs of users read them.

A new key may be added here; one that is renamed or gone breaks those programs.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from golden.records import Places
from support.indexes import change

from cli.main import main

GOLDEN = Path(__file__).parents[2] / "golden" / "format1"
BY = ["--by", "superpixel"]
IMAGE = "stripes/0.png"

JSON = {
    "info": (
        ["info", "INDEX", "--json"],
        "format window key names thumbnails burned_in burned_in_images.* text_not_looked_for folders "
        "files.* skipped.* pictures labelled bytes "
        "fusions.name fusions.weights "
        "fusions.queries fusions.trial.* representations.name representations.settings.* "
        "representations.recipe representations.fitted_on representations.replaces_present "
        "representations.files_lacking representations.segments representations.bytes "
        "representations.report.classes representations.report.dimension representations.report.gain "
        "representations.report.map_after representations.report.map_before representations.report.n_queries "
        "representations.report.p1_after representations.report.p1_before "
        "representations.report.shape.descriptors representations.report.shape.distortion "
        "representations.report.shape.dominant words representations.report.shape.empty words "
        "representations.report.shape.largest share representations.report.shape.words "
        "representations.report.tone.descriptors representations.report.tone.distortion "
        "representations.report.tone.dominant words representations.report.tone.empty words "
        "representations.report.tone.largest share representations.report.tone.words",
    ),
    "query": (
        ["query", "INDEX", IMAGE, *BY, "--by", "dense", "--group-by", "patient", "--findings", "--json"],
        "query hits.id hits.score hits.rank hits.box hits.group.* hits.votes.*.rank hits.votes.*.score "
        "hits.votes.*.share hits.case.column hits.case.value hits.case.n hits.case.pictures "
        "hits.case.aligned findings.case findings.matching findings.cases findings.verdict "
        "findings.labels.label findings.labels.found findings.labels.in_all findings.labels.expected "
        "findings.labels.enrichment findings.labels.share findings.labels.share_interval findings.labels.p "
        "findings.labels.p_adjusted findings.labels.significant findings.likeness_percentile "
        "findings.unlike_anything findings.references findings.withheld findings.kind_percentile "
        "findings.another_kind findings.near_duplicates.counted_once findings.near_duplicates.of_query "
        "findings.near_duplicates.of_new_query findings.near_duplicates.joined_cases "
        "findings.near_duplicates.equal_thumbnails_only",
    ),
    "query with a region": (
        ["query", "INDEX", IMAGE, *BY, "--region", "10,8,30,20", "-k", "3", "--json"],
        "query hits.id hits.score hits.rank hits.box hits.group.* hits.proof",
    ),
    "classify": (
        ["classify", "INDEX", IMAGE, *BY, "--json"],
        "query label confidence best doubt votes.* likeness_percentile calibrated_on neighbours.id "
        "neighbours.rank neighbours.score neighbours.labels withheld kind_percentile "
        "near_duplicates.counted_once near_duplicates.of_query near_duplicates.of_new_query",
    ),
    "locate": (
        ["locate", *(f"ct0/00{i}.dcm" for i in range(5)), "--in", "INDEX", "--range", "lung", *BY, "--json"],
        "volume slices range top.position top.slice top.inside bottom.position bottom.slice bottom.inside "
        "agreement certain voting_volumes",
    ),
    "explain": (
        ["explain", "INDEX", IMAGE, "stripes/3.png", *BY, "-o", "OUT/why.png", "--json"],
        "query hit by score box pairs.query pairs.hit pairs.agrees deletion.share deletion.explained "
        "deletion.random deletion.faithful",
    ),
    "evaluate": (
        ["evaluate", "INDEX", "--by", "colour", "--by", "thumbnail", "--cutoffs", "1", "--json"],
        "queries measured database unlabelled not_same n_joined compared_by systems.*.*.mean "
        "systems.*.*.interval systems.*.*.macro systems.*.*.clean systems.*.*.classes.* comparisons.first "
        "comparisons.second comparisons.difference comparisons.interval comparisons.p comparisons.p_adjusted "
        "classification.*.accuracy classification.*.low classification.*.high "
        "classification.*.calibration_error classification.*.raw_error classification.*.brier "
        "classification.*.unknown classification.*.accuracy_known classification.*.n weights.*.* "
        "leaks.query leaks.found leaks.likeness ties.*",
    ),
    "learn-metric": (
        ["learn-metric", "INDEX", "--by", "colour", "--name", "new", "--json"],
        "name is_new n_joined classes.* left_out n_unlabelled unmatched dimension group trial.n_queries "
        "trial.map_before trial.map_after trial.p1_before trial.p1_after trial.gain modalities "
        "blend.factor blend.weight blend.is_chosen",
    ),
    "learn-fusion": (
        ["learn-fusion", "INDEX", "--by", "colour", "--by", "thumbnail", "--json"],
        "by weights n_queries n_trial recipes trial.* decides",
    ),
    "index": (
        ["index", "NEW", "-o", "OUT/new.index", "--by", "colour", "--jobs", "1", "--json"],
        "pictures representations encoded added changed removed unchanged skipped notes seconds "
        "timings.stages.* timings.workers.*",
    ),
}
"""Of each command: what is run, and the keys, those of inner objects behind a dot; ``*`` is any key."""

CSV = {
    "query": (["query", "INDEX", IMAGE, *BY], "query,rank,id,score,x,y,w,h,label,patient,study,series"),
    "classify": (["classify", "INDEX", IMAGE, *BY], "query,label,confidence,best,share,doubt,votes"),
    "evaluate": (
        ["evaluate", "INDEX", "--by", "colour", "--cutoffs", "1"],
        "system,measure,class,queries,mean,low,high,macro,clean",
    ),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Return a copy of the golden index that knows where its images are now."""
    pytest.importorskip("torch")  # one of its representations is deep
    expected = json.loads((GOLDEN / "expected.json").read_text())
    made = Places.below(tmp_path_factory.mktemp("keys"))
    made.copy_pictures(GOLDEN)
    made.copy_index(GOLDEN, expected["weights"])
    change(made.index, "UPDATE root SET path = ?", bytes(made.images))  # the folder has moved
    for record in expected["update"]:
        printed(made, record["command"])
    return made


def printed(places: Places, command: Sequence[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(places.filled(command)) == 0
    return out.getvalue()


def keys(value: Any, path: str = "") -> set[str]:
    """Return the paths of all values in an object; lists are looked through."""
    if isinstance(value, list):
        found = [keys(part, path) for part in value if isinstance(part, dict)]
        return set().union(*found) if found else {path}
    if not isinstance(value, dict) or not value:
        return {path}
    return set().union(*(keys(inner, f"{path}.{key}".strip(".")) for key, inner in value.items()))


def fits(path: str, pattern: str) -> bool:
    """Tell whether a path is the one of a pattern, whose ``*`` stands for any key, even with dots in it."""
    if pattern.startswith(f"{path}."):
        return True  # an object without anything in it
    first, mark, rest = pattern.partition("*")
    if not mark:
        return path == pattern
    if not path.startswith(first):
        return False
    tail = path[len(first) :]
    return any(fits(tail[end:], rest) for end in range(1, len(tail) + 1))


@pytest.mark.parametrize("name", JSON)
def test_json_has_the_keys_that_programs_know(places: Places, name: str) -> None:
    command, listed = JSON[name]
    patterns = _patterns(listed)
    found = keys(json.loads(printed(places, command)))
    unknown = {path for path in found if not any(fits(path, pattern) for pattern in patterns)}
    assert unknown == set()
    assert {pattern for pattern in patterns if not any(fits(path, pattern) for path in found)} == set()


def _patterns(listed: str) -> list[str]:
    """Split a list at spaces; a word without its object belongs to the key before it: ``empty words``."""
    patterns: list[str] = []
    for word in listed.split(" "):
        if word in ("words", "share"):
            patterns[-1] += f" {word}"
        else:
            patterns.append(word)
    return patterns


@pytest.mark.parametrize("name", CSV)
def test_csv_has_the_columns_that_programs_know(places: Places, name: str) -> None:
    command, head = CSV[name]
    lines = list(csv.reader(io.StringIO(printed(places, [*command, "--csv"]))))
    assert ",".join(lines[0]) == head
    assert len(lines) > 1
