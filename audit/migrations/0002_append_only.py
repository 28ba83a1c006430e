"""Events can be added and read, nothing else. The same function guards other evidence (routing, reviews)."""

from django.db import migrations

# An UPDATE passes only if nothing but the columns named as trigger arguments changes. ENABLE ALWAYS: a session in
# replication role is refused as well.
FUNCTION = """
CREATE FUNCTION hitl_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_NARGS > 0
     AND to_jsonb(NEW) - TG_ARGV IS NOT DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is evidence: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
GUARD = """
CREATE TRIGGER audit_event_rows BEFORE UPDATE OR DELETE ON audit_event
  FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change();
CREATE TRIGGER audit_event_table BEFORE TRUNCATE ON audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_rows;
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_table;
"""
UNGUARD = "DROP TRIGGER audit_event_rows ON audit_event; DROP TRIGGER audit_event_table ON audit_event;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION hitl_refuse_change()"),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
