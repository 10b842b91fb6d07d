"""Text from records, made safe."""

import json
import re
from html import unescape

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.output._text import escape_html, file_names, json_for_html, one_line, span

anything = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None, max_examples=60)
@given(anything)
def test_escaped_text_reads_the_same_and_holds_no_sign_that_acts(text):
    safe = escape_html(text)
    assert not re.search(r"[<>\"'`${}\\]", safe)
    # A page's parser knows some code points only as something else.
    if not re.search(r"[\x00-\x1f\x7f-\x9f]", text):
        assert unescape(safe) == text


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(anything, anything, max_size=4))
def test_json_in_a_page_reads_the_same_and_cannot_end_its_element(value):
    text = json_for_html(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028\u2029]", text)


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="Out of range float"):
        json_for_html([float("nan")])


@settings(deadline=None, max_examples=60)
@given(st.lists(anything, max_size=8))
def test_file_names_are_unique_and_keep_to_their_folder(texts):
    names = file_names(texts)
    assert len({name.lower() for name in names}) == len(texts)
    for name in names:
        assert re.fullmatch(r"\w[\w-]*", name)
        assert len(name) <= 70


@settings(deadline=None, max_examples=60)
@given(anything)
def test_one_line_has_no_control_characters(text):
    line = one_line(text)
    assert line.isprintable() or not re.search(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]", line
    )
    assert one_line(line) == line


def test_a_span_over_midnight_names_its_first_day_only():
    start = pd.Timestamp("2026-12-31 22:30", tz="Asia/Almaty")
    assert span(start, start + pd.Timedelta("8h")) == "Thu 31 Dec 2026, 22:30–06:30"
