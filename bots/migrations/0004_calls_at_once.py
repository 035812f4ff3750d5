from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bots', '0003_limits_of_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalphonenumber',
            name='max_calls',
            field=models.PositiveSmallIntegerField(default=0, help_text='Further callers hear that the line is busy, or are put through where the bot has a number for that. 0: as many as the server takes.', verbose_name='calls at once'),
        ),
        migrations.AddField(
            model_name='phonenumber',
            name='max_calls',
            field=models.PositiveSmallIntegerField(default=0, help_text='Further callers hear that the line is busy, or are put through where the bot has a number for that. 0: as many as the server takes.', verbose_name='calls at once'),
        ),
    ]
