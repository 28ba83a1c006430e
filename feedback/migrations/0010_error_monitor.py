"""One row per policy version and epoch: what audits say of the error of automated decisions."""

import django.core.validators
import django.db.models.deletion
import hitl.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_language'),
        ('feedback', '0009_hours'),
        ('routing', '0020_questions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ErrorMonitor',
            fields=[
                ('id', models.UUIDField(default=hitl.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('epoch', models.PositiveIntegerField(help_text='1 for the first; a lift starts the next.')),
                ('status', models.CharField(choices=[('watching', 'Watching'), ('refuted', 'Refuted: people decide'), ('lifted', 'Lifted by a person'), ('ended', 'Ended')], default='watching', max_length=8)),
                ('budget', models.FloatField(help_text='Largest error of automated decisions.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('delta', models.FloatField(help_text='Probability of ever refuting a budget that holds.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('floor', models.FloatField(help_text='No automated case is drawn with a smaller probability.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('since', models.DateTimeField(help_text='Cases routed from then on count.')),
                ('looked_at', models.DateTimeField(null=True)),
                ('reading', models.JSONField(default=dict, help_text='feedback.stats.error_monitor.Reading, with times.')),
                ('refuted_at', models.DateTimeField(null=True)),
                ('stopped', models.BooleanField(default=False, help_text='The refutation pressed the stop button of the task type.')),
                ('closed_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True, help_text='Why it was lifted or ended.')),
                ('lifted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('policy_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.policyversion')),
                ('task_type', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.tasktype')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', '-id'], name='errormonitor_recent')],
                'constraints': [models.UniqueConstraint(fields=('policy_version', 'epoch'), name='errormonitor_epoch_unique'), models.UniqueConstraint(condition=models.Q(('status__in', ['watching', 'refuted'])), fields=('policy_version',), name='errormonitor_one_open')],
            },
        ),
    ]
