"""Indexes and constraints that cost every write and served no read."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('routing', '0016_default_mode'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalmodelendpoint',
            name='history_date',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='historicalpolicy',
            name='history_date',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='historicalpolicyversion',
            name='history_date',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='historicaltasktype',
            name='history_date',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='historicaltier',
            name='history_date',
            field=models.DateTimeField(),
        ),
    ]
