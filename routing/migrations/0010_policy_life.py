"""Versions in shadow and as canaries; what a version may change of itself."""

import django.db.models.deletion
from django.db import migrations, models

DROP = """
DROP TRIGGER routing_policyversion_rows ON routing_policyversion;
"""
GUARD = """
CREATE TRIGGER routing_policyversion_rows BEFORE UPDATE OR DELETE ON routing_policyversion
  FOR EACH ROW EXECUTE FUNCTION hitl_refuse_change({columns});
ALTER TABLE routing_policyversion ENABLE ALWAYS TRIGGER routing_policyversion_rows;
"""
BEFORE = "'status', 'approved_by_id', 'approved_at', 'activated_at', 'retired_at'"
AFTER = BEFORE + ", 'replayed_at', 'canary_share', 'licensed_by_id'"


class Migration(migrations.Migration):
    dependencies = [("routing", "0009_plan")]
    operations = [
        migrations.AddField(
            model_name='historicalpolicy',
            name='replay_first',
            field=models.BooleanField(default=False, help_text='A version must have been replayed over past cases before it can be approved.'),
        ),
        migrations.AddField(
            model_name='historicalpolicyversion',
            name='canary_share',
            field=models.FloatField(blank=True, help_text='Of the cases a canary decides: above 0, to 0.5.', null=True),
        ),
        migrations.AddField(
            model_name='historicalpolicyversion',
            name='licensed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='The version, approved by two people, whose bounds allowed this one without them.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='routing.policyversion'),
        ),
        migrations.AddField(
            model_name='historicalpolicyversion',
            name='replayed_at',
            field=models.DateTimeField(blank=True, help_text='When its newest replay finished.', null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='replay_first',
            field=models.BooleanField(default=False, help_text='A version must have been replayed over past cases before it can be approved.'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='canary_share',
            field=models.FloatField(blank=True, help_text='Of the cases a canary decides: above 0, to 0.5.', null=True),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='licensed_by',
            field=models.ForeignKey(blank=True, help_text='The version, approved by two people, whose bounds allowed this one without them.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.policyversion'),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='replayed_at',
            field=models.DateTimeField(blank=True, help_text='When its newest replay finished.', null=True),
        ),
        migrations.AlterField(
            model_name='historicalpolicyversion',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('approved', 'Approved'), ('shadow', 'Shadow'), ('canary', 'Canary'), ('active', 'Active'), ('retired', 'Retired'), ('rejected', 'Rejected')], default='draft', max_length=8),
        ),
        migrations.AlterField(
            model_name='policyversion',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('approved', 'Approved'), ('shadow', 'Shadow'), ('canary', 'Canary'), ('active', 'Active'), ('retired', 'Retired'), ('rejected', 'Rejected')], default='draft', max_length=8),
        ),
        migrations.AddIndex(
            model_name='policyversion',
            index=models.Index(condition=models.Q(('status', 'shadow')), fields=['policy'], name='policyversion_shadows'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'canary')), fields=('policy',), name='policyversion_one_canary'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'canary'), _negated=True), models.Q(('canary_share__gt', 0), ('canary_share__isnull', False), ('canary_share__lte', 0.5)), _connector='OR'), name='policyversion_canary_share'),
        ),
        migrations.RunSQL(DROP + GUARD.format(columns=AFTER), DROP + GUARD.format(columns=BEFORE)),
    ]
