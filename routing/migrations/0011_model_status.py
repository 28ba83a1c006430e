"""A model version may be held in shadow or withdrawn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0010_policy_life")]
    operations = [
        migrations.AddField(
            model_name='modelversion',
            name='status',
            field=models.CharField(choices=[('accepted', 'Accepted'), ('shadow', 'Shadow: routed, but a person decides'), ('withdrawn', 'Withdrawn: never automates')], default='accepted', max_length=9),
        ),
        migrations.AddIndex(
            model_name='modelversion',
            index=models.Index(condition=models.Q(('status', 'accepted'), _negated=True), fields=['task_type'], name='modelversion_held'),
        ),
    ]
