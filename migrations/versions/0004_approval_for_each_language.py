"""A doctor approves an edition's words in one language; what was approved before was the base language (no value).

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("edition_approval", sa.Column("language", sa.String(), nullable=True))
