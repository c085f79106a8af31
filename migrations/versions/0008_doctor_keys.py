"""A signing key for each doctor, sealed by the clinic's key, with its certificate; rows are only ever added.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "doctor_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["doctor_id"], ["staff_member.id"], name=op.f("fk_doctor_key_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doctor_key")),
    )
    op.create_index(op.f("ix_doctor_key_doctor_id"), "doctor_key", ["doctor_id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER doctor_key_no_{verb.lower()} BEFORE {verb} ON doctor_key "
                "BEGIN SELECT RAISE(ABORT, 'doctor_key is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER doctor_key_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON doctor_key "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
