"""Settings: what may stand in the file and the environment, and one line that names what may not."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from intake.config import BadSetting, Settings

FILE = """
origin = "https://intake.clinic.example"
data = "/var/lib/intake"
lease_seconds = 90

[clinic]
name = "Kesari Skin & Hair"
letters = "KS"
phone = 9840000000
last_token = 18:00:00

[clinic.hours]
monday = ["10:00", "19:00"]
saturday = ["10:00", "14:00"]

[treatments.FAT]
sessions = 6
price = "Rs 3,000"
"""


def refused(raw: dict[str, Any]) -> str:
    """The one line that a bad value stops the start with."""
    with pytest.raises(BadSetting) as refusal:
        Settings.from_mapping(raw)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_file_gives_the_clinic_and_the_environment_overrides_it(tmp_path: Path) -> None:
    file = tmp_path / "intake.toml"
    file.write_text(FILE, "utf-8")
    settings = Settings.read({"INTAKE_SETTINGS": str(file), "INTAKE_LEASE_SECONDS": "5", "HOME": "/"})
    assert (settings.origin, settings.lease_seconds) == ("https://intake.clinic.example", 5)
    assert settings.is_https and settings.tablet_origin == settings.origin and not settings.demo
    assert settings.keys == Path("/var/lib/intake/keys")
    assert settings.database_url == "sqlite:////var/lib/intake/intake.db"
    assert (settings.clinic.name, settings.clinic.phone) == ("Kesari Skin & Hair", "9840000000")
    assert settings.clinic.hours == {0: (time(10), time(19)), 5: (time(10), time(14))}
    assert (settings.clinic.treatments["FAT"].sessions, settings.clinic.treatments["FAT"].price_total) == ("6", "")


def test_nothing_said_is_a_clinic_on_loopback_open_six_days_that_signs_first() -> None:
    settings = Settings.from_mapping({})
    assert settings.origin == "http://127.0.0.1:8000" and not settings.is_https
    assert sorted(settings.clinic.hours) == [0, 1, 2, 3, 4, 5]
    assert settings.clinic.sign_first and settings.lease_seconds == 60
    assert settings.clinic.consent_months == 6 and not settings.clinic.guardian_may_sign


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", ""),
        ("data", ["a"]),
        ("demo", "perhaps"),
        ("demo", 2),
        ("lease_seconds", 0),
        ("lease_seconds", 3601),
        ("lease_seconds", "soon"),
        ("lease_seconds", 1.5),
        ("origin", "intake.clinic.example"),
        ("origin", "https://"),
        ("origin", "https://intake.clinic.example/app"),
        ("origin", "https://intake.clinic.example?x=1"),
        ("origin", "https://intake.clinic.example#x"),
        ("origin", "https://rao@intake.clinic.example"),
        ("origin", "https://intake.clinic.example:port"),
        ("origin", "https://intake.clinic.example:99999"),
        ("origin", "https://[::1"),
        ("origin", "https://intake clinic"),
        ("origin", "ftp://127.0.0.1"),
        ("origin", 8000),
        ("origin", {"host": "x"}),
        ("tablet_origin", "http://192.168.1.20:8000"),
        ("database_url", "intake.db"),
        ("database_url", "sqlite://"),
        ("database_url", "mysql://root:secret@db/intake"),
    ],
)
def test_a_bad_value_stops_the_start_with_a_line_that_names_it(name: str, value: object) -> None:
    assert refused({name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ["Kesari"]),
        ("phone", True),
        ("address", {"street": "12 Lake Road"}),
        ("letters", "ks"),
        ("letters", "K"),
        ("letters", "KESAR"),
        ("letters", "K1"),
        ("letters", "КС"),
        ("timezone", "Asia/Atlantis"),
        ("timezone", ""),
        ("timezone", "../etc/passwd"),
        ("last_token", "soon"),
        ("last_token", "25:00"),
        ("last_token", "18:00+05:30"),
        ("sign_first", "yes"),
        ("idle_minutes", 1),
        ("idle_minutes", 16),
        ("idle_minutes", True),
        ("consent_months", 0),
        ("consent_months", 25),
        ("consent_months", "six"),
        ("guardian_may_sign", "no"),
        ("guardian_may_sign", 1),
        ("hours", "always"),
        ("colour", "green"),
    ],
)
def test_a_bad_value_of_the_clinic_is_named_too(name: str, value: object) -> None:
    assert refused({"clinic": {name: value}}).startswith(f"clinic.{name}: ")


@pytest.mark.parametrize(
    ("day", "span"),
    [
        ("funday", ["10:00", "19:00"]),
        ("monday", "10:00-19:00"),
        ("monday", ["10:00"]),
        ("monday", ["19:00", "10:00"]),
        ("monday", ["10:00", "10:00"]),
        ("monday", ["ten", "19:00"]),
        ("monday", ["10:00+05:30", "19:00"]),
    ],
)
def test_opening_hours_that_mean_nothing_name_the_day(day: str, span: object) -> None:
    assert refused({"clinic": {"hours": {day: span}}}).startswith(f"clinic.hours.{day}: ")


@pytest.mark.parametrize("plan", [{"discount": "10%"}, {"price": ["3000"]}, "6 sessions"])
def test_a_bad_treatment_plan_names_the_treatment(plan: object) -> None:
    assert refused({"treatments": {"FAT": plan}}).startswith("treatments.FAT")


@pytest.mark.parametrize("raw", [{"clinic": "Kesari"}, {"treatments": ["FAT"]}])
def test_a_table_that_is_no_table_is_refused(raw: dict[str, Any]) -> None:
    assert refused(raw).startswith("clinic, treatments: ")


def test_a_password_in_a_database_address_is_not_repeated_in_the_refusal() -> None:
    assert "secret" not in refused({"database_url": "mysql://root:secret@db/intake"})


@pytest.mark.parametrize("host", ["http://192.168.1.20", "http://intake.clinic.example", "http://0.0.0.0:8000"])
def test_plain_http_is_for_loopback_alone(host: str) -> None:
    assert "must be https" in refused({"origin": host})


@pytest.mark.parametrize("host", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "https://10.0.0.5"])
def test_loopback_and_https_are_origins(host: str) -> None:
    assert Settings.from_mapping({"origin": host}).origin == host


@pytest.mark.parametrize(
    ("raw", "hosts"),
    [
        ({"origin": "https://intake.clinic.example"}, {"intake.clinic.example"}),
        ({"origin": "https://192.168.1.10"}, {"192.168.1.10"}),
        (
            {"origin": "https://a.example", "tablet_origin": "https://tablets.a.example:8443"},
            {"a.example", "tablets.a.example"},
        ),
        ({"origin": "https://[fd00::10]"}, {"fd00::10"}),
        ({"origin": "http://127.0.0.1:8000"}, {"127.0.0.1", "localhost", "::1"}),
        ({"origin": "http://127.0.0.2:8000"}, {"127.0.0.2", "127.0.0.1", "localhost", "::1"}),
        ({"origin": "https://a.example", "demo": True}, {"a.example", "127.0.0.1", "localhost", "::1"}),
    ],
)
def test_the_service_answers_to_its_own_names_and_on_loopback_to_all_of_loopback(
    raw: dict[str, Any], hosts: set[str]
) -> None:
    assert Settings.from_mapping(raw).hosts == hosts


@pytest.mark.parametrize("written", ["HTTPS://Intake.Clinic.Example", "https://intake.clinic.example/"])
def test_an_origin_is_kept_in_its_one_form(written: str) -> None:
    settings = Settings.from_mapping({"origin": written})
    assert settings.origin == "https://intake.clinic.example" and settings.is_https


def test_a_setting_nobody_knows_is_refused_in_the_file_and_in_the_environment() -> None:
    assert refused({"orign": "https://x.example"}).startswith("orign: no such setting")
    with pytest.raises(BadSetting, match=r"^INTAKE_ORIGN: no such setting"):
        Settings.read({"INTAKE_ORIGN": "https://x.example"})


def test_a_key_is_never_taken_from_the_environment() -> None:
    with pytest.raises(BadSetting, match=r"^INTAKE_VAULT_KEY: no such setting"):
        Settings.read({"INTAKE_VAULT_KEY": "00" * 32})


@pytest.mark.parametrize("text", [b"origin = ", b"\xff\xfe", b"[clinic\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "intake.toml"
    file.write_bytes(text)
    with pytest.raises(BadSetting) as refusal:
        Settings.read({"INTAKE_SETTINGS": str(file)})
    assert str(refusal.value).startswith(f"{file}: ") and "\n" not in str(refusal.value)


def test_a_file_that_is_named_and_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"^INTAKE_SETTINGS: there is no file"):
        Settings.read({"INTAKE_SETTINGS": str(tmp_path / "intake.toml")})


def test_the_clinics_own_words_may_be_written_in_every_language_it_offers() -> None:
    raw = {
        "clinic": {"refund_policy": "paid back", "retention_period": "7 years", "hi": {"refund_policy": "वापस"}},
        "treatments": {"FAT": {"sessions": "6", "interval": "2 weeks", "hi": {"interval": "2 हफ़्ते"}}},
    }
    clinic = Settings.from_mapping(raw).clinic
    hindi = clinic.in_language("hi")
    assert (hindi.refund_policy, hindi.retention_period) == ("वापस", "7 years")
    assert (hindi.treatments["FAT"].interval, hindi.treatments["FAT"].sessions) == ("2 हफ़्ते", "6")
    assert clinic.in_language("ar") == clinic.in_language("en") == clinic


@pytest.mark.parametrize("own", [{}, {"products": ""}])
def test_kinds_of_product_in_another_language_alone_are_refused_for_then_a_consent_would_say_two_things(
    own: dict[str, str],
) -> None:
    plan = {"sessions": "6"} | own | {"hi": {"products": "विटामिन"}}
    with pytest.raises(BadSetting, match=r"^treatments\.FAT\.hi\.products: write treatments\.FAT\.products too"):
        Settings.from_mapping({"treatments": {"FAT": plan}})
    said = Settings.from_mapping({"treatments": {"FAT": plan | {"products": "Vitamins"}}}).clinic
    assert said.in_language("hi").treatments["FAT"].products == "विटामिन"


@pytest.mark.parametrize("raw", [{"clinic": {"hi": {"name": "x"}}}, {"treatments": {"FAT": {"hi": {"cost": "x"}}}}])
def test_only_words_that_a_consent_prints_have_translations(raw: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match="only these have words"):
        Settings.from_mapping(raw)
