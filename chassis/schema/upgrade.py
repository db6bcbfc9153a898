"""A schema's way to its newest revision, by Alembic."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection, schema: str, version_location: str) -> str:
    """Runs what is missing, in the connection's transaction. A schema at a revision that is not in `version_location` is left as
    it is, and the revision is returned; otherwise what is returned is empty.
    """
    config = Config()
    config.set_main_option("script_location", "chassis:schema")
    config.set_main_option("version_locations", version_location)
    config.set_main_option("path_separator", "os")
    revision = MigrationContext.configure(connection, opts={"version_table_schema": schema}).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        return revision
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    command.upgrade(config, "head")
    return ""
