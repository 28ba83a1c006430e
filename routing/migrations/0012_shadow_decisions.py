"""What versions in shadow would have done."""

import django.core.validators
import django.db.models.deletion
import hitl.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0011_model_status")]
    operations = [
        migrations.CreateModel(
            name='ShadowDecision',
            fields=[
                ('id', models.UUIDField(default=hitl.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('case_id', models.UUIDField(help_text='No foreign key: routing knows no cases.')),
                ('action', models.CharField(max_length=20)),
                ('zone', models.CharField(max_length=10)),
                ('risk', models.CharField(max_length=8)),
                ('tier', models.CharField(max_length=60)),
                ('reason', models.TextField()),
                ('rule', models.CharField(max_length=100, null=True)),
                ('calibrated_confidence', models.FloatField(null=True)),
                ('calibration_version', models.PositiveIntegerField(null=True)),
                ('threshold', models.FloatField(null=True)),
                ('priority', models.FloatField()),
                ('priority_breakdown', models.JSONField(default=list)),
                ('selection_probability', models.FloatField(validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('action_propensity', models.FloatField(validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('sampled', models.BooleanField()),
                ('draw', models.FloatField()),
                ('trace', models.JSONField()),
                ('created_at', models.DateTimeField()),
                ('label', models.CharField(help_text='What the machine predicted.', max_length=100, null=True)),
                ('reviewed', models.BooleanField(help_text='A person would have seen it.')),
                ('live_action', models.CharField(max_length=20)),
                ('live_tier', models.CharField(max_length=60)),
                ('live_reviewed', models.BooleanField()),
                ('policy_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.policyversion')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
        ),
        migrations.AddIndex(
            model_name='shadowdecision',
            index=models.Index(fields=['policy_version', '-id'], include=('live_action', 'action', 'label', 'risk', 'live_tier', 'tier', 'live_reviewed', 'reviewed'), name='shadowdecision_newest'),
        ),
        migrations.AddIndex(
            model_name='shadowdecision',
            index=models.Index(condition=models.Q(('action', models.F('live_action')), _negated=True), fields=['policy_version', '-id'], name='shadowdecision_differs'),
        ),
        migrations.AddConstraint(
            model_name='shadowdecision',
            constraint=models.UniqueConstraint(fields=('case_id', 'policy_version'), name='shadowdecision_once'),
        ),
    ]
