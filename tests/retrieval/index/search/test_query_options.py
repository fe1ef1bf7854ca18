"""Facts about the options of a query, which are written once."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from retrieval.errors import SettingError
from retrieval.index import QueryOptions
from retrieval.index.search.query_options import option_help


@pytest.mark.parametrize("name", [field.name for field in fields(QueryOptions)])
def test_every_option_has_a_line_of_help(name):
    assert 0 < len(option_help(name)) < 110 and not option_help(name).endswith(".")


def test_help_ends_with_the_first_sentence():
    assert option_help("k") == "how many images"
    assert option_help("not_same") == "leave out what shares the query's patient, study, …"
    assert option_help("none of them") == ""


def test_options_that_a_question_does_not_take_are_refused():
    QueryOptions(k=3, by=("a",)).refuse_others("k", "by", because="only these count")
    with pytest.raises(SettingError, match="blind: only these count; leave it out"):
        QueryOptions(k=3, blind=2).refuse_others("k", because="only these count")


def test_a_default_that_is_given_is_no_option_that_is_set():
    replace(QueryOptions(), blind=0, like=[]).refuse_others(because="nothing counts")


def test_options_are_read_without_numpy():
    script = "import sys, retrieval.index as i; i.QueryOptions(k=3); print('numpy' in sys.modules)"
    read = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert read.stdout == "False\n"


def test_what_an_index_does_not_name_is_missing():
    import retrieval.index

    assert retrieval.index.QueryOptions is QueryOptions
    with pytest.raises(AttributeError, match="has no attribute 'IndexWriter'"):
        _ = retrieval.index.IndexWriter
