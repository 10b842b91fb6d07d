"""Options that make no sense are refused by name, before anything is read."""

import pytest

from patrolmap.errors import OptionError
from patrolmap.events import check_events


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"columns": "lon"}, "columns='lon'; wanted role -> column"),
        ({"columns": ["lon", "lat"]}, "wanted role -> column"),
        ({"columns": {"lon": 5}}, "wanted role -> column"),
        ({"time_format": 5}, "time_format=5; wanted a strptime format"),
        ({"time_format": "%Q"}, "time_format='%Q' cannot be used"),
        ({"preset": 5}, "preset is int; wanted a name"),
    ],
)
def test_an_option_of_another_make_is_named_with_what_was_wanted(crimes, option, said):
    with pytest.raises(OptionError, match=said):
        check_events(crimes(), kind="crime", tz="Asia/Almaty", **option)
