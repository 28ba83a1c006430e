"""Calibrations never change; of a policy version only where it stands."""

from django.db import migrations

GUARD = """
CREATE TRIGGER routing_calibration_rows BEFORE UPDATE OR DELETE ON routing_calibration
  FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change();
CREATE TRIGGER routing_calibration_table BEFORE TRUNCATE ON routing_calibration
  FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
CREATE TRIGGER routing_policyversion_rows BEFORE UPDATE OR DELETE ON routing_policyversion
  FOR EACH ROW EXECUTE FUNCTION
  hitl_refuse_change('status', 'approved_by_id', 'approved_at', 'activated_at', 'retired_at');
CREATE TRIGGER routing_policyversion_table BEFORE TRUNCATE ON routing_policyversion
  FOR EACH STATEMENT EXECUTE FUNCTION hitl_refuse_change();
ALTER TABLE routing_calibration ENABLE ALWAYS TRIGGER routing_calibration_rows;
ALTER TABLE routing_calibration ENABLE ALWAYS TRIGGER routing_calibration_table;
ALTER TABLE routing_policyversion ENABLE ALWAYS TRIGGER routing_policyversion_rows;
ALTER TABLE routing_policyversion ENABLE ALWAYS TRIGGER routing_policyversion_table;
"""
UNGUARD = """
DROP TRIGGER routing_calibration_rows ON routing_calibration;
DROP TRIGGER routing_calibration_table ON routing_calibration;
DROP TRIGGER routing_policyversion_rows ON routing_policyversion;
DROP TRIGGER routing_policyversion_table ON routing_policyversion;
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
