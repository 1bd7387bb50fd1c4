"""What the database itself refuses: changing or removing clinical records, the audit chain, flag and mail history."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FROZEN = ("audit", "flag_history", "delivery_attempt")
# Every column of `record` but `superseded_by`, as revision 0002 made it.
RECORD_COLUMNS = (
    *("id", "patient_id", "kind", "analyte", "value", "comparator", "unit", "text", "interpretation"),
    *("canonical_value", "canonical_unit", "effective_at", "effective_text", "precision", "issued_at"),
    *("ref_low", "ref_high", "canonical_ref_low", "canonical_ref_high", "lab", "method", "fasting", "specimen"),
    *("status", "detail", "natural_key", "source_id", "source_version", "batch_id", "place"),
    *("recorded_at", "recorded_by", "reason", "ingest_seq"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in FROZEN:
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(f"DROP TRIGGER {table}_no_delete")
        op.execute("DROP TRIGGER record_only_supersede")
        op.execute("DROP TRIGGER record_no_delete")
    else:
        for table in (*FROZEN, "record"):
            op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        op.execute("DROP TRIGGER record_only_supersede ON record")
        op.execute("DROP FUNCTION refuse_record_change()")
        op.execute("DROP FUNCTION refuse_change()")


def _upgrade_sqlite() -> None:
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER record_no_delete BEFORE DELETE ON record "
        "BEGIN SELECT RAISE(ABORT, 'record is append-only'); END"
    )
    same = " AND ".join(f'NEW."{column}" IS OLD."{column}"' for column in RECORD_COLUMNS)
    op.execute(
        "CREATE TRIGGER record_only_supersede BEFORE UPDATE ON record "
        f"WHEN NOT (OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL AND {same}) "
        "BEGIN SELECT RAISE(ABORT, 'record is append-only: only superseded_by may be set, once'); END"
    )


def _upgrade_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_record_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF OLD.superseded_by IS NULL AND NEW.superseded_by IS NOT NULL "
        "AND to_jsonb(NEW) - 'superseded_by' = to_jsonb(OLD) - 'superseded_by' THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'record is append-only: only superseded_by may be set, once'; END $$"
    )
    for table in FROZEN:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute("CREATE TRIGGER record_no_change BEFORE DELETE ON record FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute(
        "CREATE TRIGGER record_only_supersede BEFORE UPDATE ON record "
        "FOR EACH ROW EXECUTE FUNCTION refuse_record_change()"
    )
    for table in (*FROZEN, "record"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
