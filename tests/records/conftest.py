"""Keys and finished PDFs that the tests of records share; each is made once for the whole run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake import clock
from intake.i18n import translator
from intake.records.render import render
from intake.records.seal import ClinicKeys, PadesSealer
from tests.records import snapshots

SEALING_DAY = datetime(2026, 11, 23, 7, 32, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> PadesSealer:
    """The seal of a clinic that opened on the day of the sample visits."""
    with clock.frozen(SEALING_DAY):
        return PadesSealer(ClinicKeys.create(tmp_path_factory.mktemp("keys"), "Kesari Skin & Hair"))


@pytest.fixture(scope="session")
def pdfs(sealer: PadesSealer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sealed records: `english`, `declined`, `hindi`, `arabic`."""
    folder = tmp_path_factory.mktemp("pdfs")
    made = {
        "english": render(snapshots.a_snapshot(), snapshots.EVIDENCE),
        "declined": render(snapshots.a_declined_snapshot(), snapshots.EVIDENCE),
        "hindi": render(snapshots.a_hindi_snapshot(), snapshots.EVIDENCE, translator("hi")),
        "arabic": render(snapshots.an_arabic_snapshot(), snapshots.EVIDENCE, translator("ar")),
    }
    paths = {name: folder / f"{name}.pdf" for name in made}
    with clock.frozen(SEALING_DAY):
        for name, data in made.items():
            paths[name].write_bytes(sealer.seal(data))
    return paths
