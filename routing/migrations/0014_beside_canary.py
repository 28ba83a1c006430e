"""Decisions made while a canary ran; built without holding up intake."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("routing", "0013_version_probability")]
    operations = [
        AddIndexConcurrently(
            model_name='routingdecision',
            index=models.Index(condition=models.Q(('version_probability__lt', 1)), fields=['policy_version', '-id'], name='routingdecision_beside_canary'),
        ),
    ]
