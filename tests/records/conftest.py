"""Keys and finished PDFs that the tests of records share; each is made once for the whole run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake import clock
from intake.i18n import translator
from intake.records.doctor_keys import Key
from intake.records.seal import ClinicKeys, PadesSealer
from tests.records import sealing, snapshots

SEALING_DAY = datetime(2026, 11, 23, 7, 32, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> PadesSealer:
    """The seal of a clinic that opened on the day of the sample visits."""
    with clock.frozen(SEALING_DAY):
        return PadesSealer(ClinicKeys.create(tmp_path_factory.mktemp("keys"), "Kesari Skin & Hair"))


@pytest.fixture(scope="session")
def doctors_key(sealer: PadesSealer) -> Key:
    """The key of the doctor who countersigned the sample visits."""
    with clock.frozen(SEALING_DAY):
        return sealing.a_key(sealer)


@pytest.fixture(scope="session")
def evidence(sealer: PadesSealer) -> bytes:
    """What the countersigned records embed."""
    with clock.frozen(SEALING_DAY):
        return sealing.evidence_of(sealer)


@pytest.fixture(scope="session")
def renderings(sealer: PadesSealer, evidence: bytes) -> dict[str, bytes]:
    """Records as they are before the seal: `english`, `hindi`, `arabic`, countersigned; and `declined`."""
    with clock.frozen(SEALING_DAY):
        no = sealing.evidence_of(sealer, is_declined=True)
        return {
            "english": sealing.rendered(snapshots.a_snapshot, evidence),
            "declined": sealing.rendered(snapshots.a_declined_snapshot, no),
            "hindi": sealing.rendered(snapshots.a_hindi_snapshot, evidence, translator("hi")),
            "arabic": sealing.rendered(snapshots.an_arabic_snapshot, evidence, translator("ar")),
        }


@pytest.fixture(scope="session")
def pdfs(
    sealer: PadesSealer, doctors_key: Key, renderings: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The same with the seal, and with the doctor's signature where they are countersigned."""
    folder = tmp_path_factory.mktemp("pdfs")
    paths = {name: folder / f"{name}.pdf" for name in renderings}
    with clock.frozen(SEALING_DAY):
        for name, data in renderings.items():
            is_declined = name == "declined"
            paths[name].write_bytes(sealer.seal(data) if is_declined else sealing.signed_by(sealer, doctors_key, data))
    return paths
