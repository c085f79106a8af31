"""The server's way in."""

from intake import create_app
from intake.config import Settings

app = create_app(Settings.from_env())
