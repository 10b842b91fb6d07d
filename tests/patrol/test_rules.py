"""What passes earn, and rules that make no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrolmap.errors import OptionError
from patrolmap.patrol import PatrolRules


def test_presets_are_what_their_names_say() -> None:
    day, night, car = (PatrolRules.preset(name) for name in ("foot_day", "foot_night", "car"))
    assert day == PatrolRules()
    assert (night.unlit, night.speed) == ("avoid", day.speed)
    assert car.speed > 3 * day.speed


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"rules='foot'; wanted one of \['car', 'foot_day'"):
        PatrolRules.preset("foot")


@pytest.mark.parametrize(
    ("option", "given", "wanted"),
    [
        ("speed", 0, "metres per second"),
        ("speed", 50.0, "metres per second"),
        ("speed", float("nan"), "metres per second"),
        ("speed", "fast", "metres per second"),
        ("repeat_share", 1.5, "a share from 0 to 1"),
        ("repeat_share", -0.1, "a share from 0 to 1"),
        ("repeat_share", None, "a share from 0 to 1"),
        ("repeat_after", "later", "a duration"),
        ("repeat_after", 2, "a duration with its unit"),
        ("unlit", "never", '"allow" or "avoid"'),
    ],
)
def test_a_rule_out_of_range_names_itself_and_the_mend(
    option: str, given: object, wanted: str
) -> None:
    with pytest.raises(OptionError, match=f"{option}=.*wanted {wanted}"):
        PatrolRules(**{option: given})  # type: ignore[arg-type]


@given(st.floats(0, 1), st.integers(0, 9), st.floats(0, 20_000))
def test_a_later_pass_never_earns_more_and_never_too_soon(
    share: float, earned: int, seconds: float
) -> None:
    rules = PatrolRules(repeat_share=share, repeat_after="2h")
    now, later = (rules.share_of_pass(n, seconds) for n in (earned, earned + 1))
    assert 0 <= later <= now <= 1
    assert earned == 0 or seconds >= 7200 or now == 0


def test_rules_are_plain_values_and_back() -> None:
    rules = PatrolRules(speed=1.1, repeat_after="45min")
    assert PatrolRules(**rules.to_dict()) == rules
    assert rules.repeat_seconds == 2700
