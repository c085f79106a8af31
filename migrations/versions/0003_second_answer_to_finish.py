"""A tablet may hear the answer to "Finish" again: the cookie it had, one handed out in its place, and since when.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("tablet_visit", sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tablet_visit", sa.Column("old_secret_hash", sa.LargeBinary(), nullable=True))
    op.add_column("tablet_visit", sa.Column("spare_secret_hash", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_one_renewal_a_tablet",
        "tablet_visit",
        ["device_id"],
        unique=True,
        sqlite_where=sa.text("renewed_at IS NOT NULL"),
        postgresql_where=sa.text("renewed_at IS NOT NULL"),
    )
