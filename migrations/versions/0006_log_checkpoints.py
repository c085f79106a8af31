"""Signed checkpoints of the log's Merkle tree; append-only like the log itself.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "log_checkpoint",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER log_checkpoint_no_{verb.lower()} BEFORE {verb} ON log_checkpoint "
                "BEGIN SELECT RAISE(ABORT, 'log_checkpoint is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER log_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoint "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
