"""One row per look for drift, with every test and the likely causes."""

import django.db.models.deletion
import hitl.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_language'),
        ('feedback', '0014_metrics'),
        ('routing', '0021_drawn'),
    ]

    operations = [
        migrations.AlterField(
            model_name='recalibrationrun',
            name='trigger',
            field=models.CharField(help_text='nightly, new_labels, drift or by_hand', max_length=20),
        ),
        migrations.CreateModel(
            name='DriftReport',
            fields=[
                ('id', models.UUIDField(default=hitl.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField()),
                ('newest_case', models.UUIDField(help_text='The newest case it looked at.')),
                ('alpha', models.FloatField(help_text='Probability of finding anything where nothing moved.')),
                ('significant', models.BooleanField()),
                ('findings', models.JSONField(help_text='feedback.drift_tests.Finding, in the order of the detectors.')),
                ('causes', models.JSONField(default=list, help_text='feedback.stats.drift_causes.Cause, the most telling first.')),
                ('task_type', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='drift_reports', to='routing.tasktype')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', '-id'], name='driftreport_recent'), models.Index(fields=['task_type', '-id'], name='driftreport_task_type')],
            },
        ),
    ]
