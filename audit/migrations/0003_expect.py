"""The function behind `hitl.core.rows.expecting`."""

from pathlib import Path

from django.db import migrations

EXPECT = (Path(__file__).resolve().parents[1] / "sql" / "expect.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [migrations.RunSQL(EXPECT, "DROP FUNCTION hitl_expect(boolean, text)")]
