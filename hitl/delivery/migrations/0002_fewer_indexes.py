"""Indexes and constraints that cost every write and served no read."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalwebhookendpoint',
            name='history_date',
            field=models.DateTimeField(),
        ),
    ]
