"""What the ground does with words of several scripts; languages and dates are tested where pages show them."""

import pytest

from intake.i18n import numbers_apart


@pytest.mark.parametrize("number", ["+91 98400 00000", "1800-180-3024", "(022) 2345 6789", "9840000000"])
def test_a_phone_number_stands_apart_from_letters_that_run_from_right_to_left(number: str) -> None:
    assert numbers_apart(f"اتصل بالرقم {number}.") == f'اتصل بالرقم <bdi dir="ltr">{number}</bdi>.'
    assert numbers_apart(f"Call {number}.") == f"Call {number}."


@pytest.mark.parametrize("text", ["اتصل بالرقم 112", "من 5 إلى 10 دقائق", "3,000 روبية", "23 نوفمبر 2026"])
def test_other_numbers_stay_among_their_words(text: str) -> None:
    assert numbers_apart(text) == text


def test_what_a_person_wrote_beside_a_number_stays_text() -> None:
    assert numbers_apart("<b>اسم</b> 98400 00421") == '&lt;b&gt;اسم&lt;/b&gt; <bdi dir="ltr">98400 00421</bdi>'
