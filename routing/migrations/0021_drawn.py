"""The automated cases of a version that chance chose for people: what the error monitor reads."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0020_questions")]
    operations = [
        AddIndexConcurrently(
            model_name='routingdecision',
            index=models.Index(condition=models.Q(('zone__in', ['auto', 'auto_audit']), models.Q(('sampled', True), ('action', 'automate_and_review'), _connector='OR')), fields=['policy_version', 'id'], name='routingdecision_drawn'),
        ),
    ]
