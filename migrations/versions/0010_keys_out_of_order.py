"""Signatures that the seal gave later, rows only ever added; and what each process found when it tried its keys.

Revision: 0010, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "late_signature",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_late_signature_statement_id")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_late_signature")),
    )
    op.create_table(
        "self_test",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_self_test")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER late_signature_no_{verb.lower()} BEFORE {verb} ON late_signature "
                "BEGIN SELECT RAISE(ABORT, 'late_signature is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER late_signature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON late_signature "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
