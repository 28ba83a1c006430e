"""What a person said never changes; it can only be undone."""

from django.db import migrations

GUARD = """
CREATE TRIGGER reviews_judgement_rows BEFORE UPDATE OR DELETE ON reviews_judgement
  FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change('undone_at');
CREATE TRIGGER reviews_judgement_table BEFORE TRUNCATE ON reviews_judgement
  FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
ALTER TABLE reviews_judgement ENABLE ALWAYS TRIGGER reviews_judgement_rows;
ALTER TABLE reviews_judgement ENABLE ALWAYS TRIGGER reviews_judgement_table;
"""
UNGUARD = """
DROP TRIGGER reviews_judgement_rows ON reviews_judgement;
DROP TRIGGER reviews_judgement_table ON reviews_judgement;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_initial"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
