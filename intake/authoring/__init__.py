"""For those who write the forms: what is published, checking a file, and trying a questionnaire as a patient would.
Nothing stands on it. Front door."""

from intake.authoring.listing import Shown, list_shown

__all__ = ["Shown", "list_shown"]
