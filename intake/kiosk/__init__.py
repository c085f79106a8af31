"""Tablets and the patient's path through the forms. Front door."""

from intake.kiosk.asking import load_actor
from intake.kiosk.rules import Hold
from intake.kiosk.service import (
    Tablet,
    add_tablet,
    device_name,
    give,
    list_tablets,
    pairing_code,
    put_back,
    release_over,
    reopen,
    tablets_of,
    take_back,
    unpair,
    wipe,
)

__all__ = [
    "Hold",
    "Tablet",
    "add_tablet",
    "device_name",
    "give",
    "list_tablets",
    "load_actor",
    "pairing_code",
    "put_back",
    "release_over",
    "reopen",
    "tablets_of",
    "take_back",
    "unpair",
    "wipe",
]
