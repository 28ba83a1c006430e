"""What waits for one person or for a time, beside what waits for all; built while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("reviews", "0015_queues")]

    operations = [
        AddIndexConcurrently(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('sla_expired_at__isnull', True), ('status__in', ['waiting', 'assigned', 'snoozed', 'claimed'])), fields=['due_at', 'id'], name='review_clock'),
        ),
        AddIndexConcurrently(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('status', 'assigned')), fields=['assigned_to', 'urgent_at', 'id'], name='review_assigned'),
        ),
        AddIndexConcurrently(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('status', 'snoozed')), fields=['snoozed_until'], name='review_snoozed'),
        ),
        migrations.AddConstraint(
            model_name='reviewtask',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'assigned', 'snoozed', 'claimed'])), fields=('case', 'kind'), name='review_open_once_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='reviewtask',
            constraint=models.CheckConstraint(condition=models.Q(('assigned_to__isnull', True), ('status', 'assigned'), _negated=True), name='review_assigned_to_somebody'),
        ),
        migrations.AddConstraint(
            model_name='reviewtask',
            constraint=models.CheckConstraint(condition=models.Q(('snoozed_until__isnull', True), ('status', 'snoozed'), _negated=True), name='review_snoozed_until_a_time'),
        ),
        migrations.RemoveConstraint(
            model_name='reviewtask',
            name='review_one_open_per_kind',
        ),
        RemoveIndexConcurrently(
            model_name='reviewtask',
            name='review_sla',
        ),
    ]
