"""Alembic's environment, once for all services: `chassis.database.migrate` hands it a connection in a transaction."""

from alembic import context

options = context.config.attributes
context.configure(connection=options["connection"], version_table_schema=options["schema"])
context.run_migrations()
