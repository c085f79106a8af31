"""A visit may have several statements of a kind and several records: what is taken back later is its own, each time.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
        return
    op.execute("ALTER TABLE statement DISABLE TRIGGER USER")
    op.add_column("statement", sa.Column("seq", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("statement", "seq", server_default=None)
    op.execute("ALTER TABLE statement ENABLE TRIGGER USER")
    op.drop_constraint("uq_statement_visit_id_kind", "statement", type_="unique")
    op.create_unique_constraint("uq_statement_visit_id_kind_seq", "statement", ["visit_id", "kind", "seq"])
    op.drop_constraint("uq_record_visit_id", "record", type_="unique")
    op.create_unique_constraint("uq_record_visit_id_statement_sha256", "record", ["visit_id", "statement_sha256"])


def _rebuild() -> None:
    """SQLite drops no constraint, so both tables are made anew with their rows, and guarded again."""
    with op.batch_alter_table("statement", recreate="always") as table:
        table.add_column(sa.Column("seq", sa.Integer(), nullable=False, server_default="1"), insert_after="kind")
        table.drop_constraint("uq_statement_visit_id_kind", type_="unique")
        table.create_unique_constraint("uq_statement_visit_id_kind_seq", ["visit_id", "kind", "seq"])
    with op.batch_alter_table("statement", recreate="always") as table:
        table.alter_column("seq", server_default=None)
    with op.batch_alter_table("record", recreate="always") as table:
        table.drop_constraint("uq_record_visit_id", type_="unique")
        table.create_unique_constraint("uq_record_visit_id_statement_sha256", ["visit_id", "statement_sha256"])
    for name in ("statement", "record"):
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            )
