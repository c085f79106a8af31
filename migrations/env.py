"""Runs the numbered migrations on the application's database. Forward only; no migration imports from the package."""

from alembic import context
from flask import current_app

from intake.db import Base

engine = current_app.extensions["sqlalchemy"].engine

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=False, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
