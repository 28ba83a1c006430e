"""The probability with which a version decided; 1 for all that were decided so far."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0012_shadow_decisions")]
    operations = [
        migrations.AddField(
            model_name='routingdecision',
            name='version_probability',
            field=models.FloatField(default=1.0, help_text="That this version decided: a canary's share or what it leaves; 1 without a canary."),
        ),
        migrations.AddField(
            model_name="routingdecision",
            name="version_selection",
            field=models.FloatField(
                help_text="The selection probability given that this version decided; null without a canary.", null=True
            ),
        ),
    ]
