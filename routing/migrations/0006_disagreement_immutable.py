"""Disagreement models never change."""

from django.db import migrations

GUARD = """
CREATE TRIGGER routing_disagreementmodel_rows BEFORE UPDATE OR DELETE ON routing_disagreementmodel
  FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change();
CREATE TRIGGER routing_disagreementmodel_table BEFORE TRUNCATE ON routing_disagreementmodel
  FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
ALTER TABLE routing_disagreementmodel ENABLE ALWAYS TRIGGER routing_disagreementmodel_rows;
ALTER TABLE routing_disagreementmodel ENABLE ALWAYS TRIGGER routing_disagreementmodel_table;
"""
UNGUARD = """
DROP TRIGGER routing_disagreementmodel_rows ON routing_disagreementmodel;
DROP TRIGGER routing_disagreementmodel_table ON routing_disagreementmodel;
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0005_disagreement_model"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
