from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0004_index_what_was_said'),
    ]

    operations = [
        migrations.AlterField(
            model_name='call',
            name='end_reason',
            field=models.CharField(blank=True, choices=[('', 'Not ended yet'), ('caller-hung-up', 'The caller hung up'), ('bot-hung-up', 'The bot ended the call'), ('caller-silent', 'The caller said nothing any more'), ('time-limit', 'The call reached its longest length'), ('operator-ended', 'An operator ended the call'), ('transferred', 'The caller was put through'), ('bot-failed', 'The bot could not answer'), ('connection-lost', 'The connection to the carrier was lost'), ('carrier-failed', 'The carrier reported a failure'), ('never-connected', 'The call never reached the bot'), ('server-stopped', 'The server was stopped during the call'), ('not-in-service', 'The number or its bot is switched off'), ('no-bot', 'No bot answers this number and there is no default bot'), ('busy', 'Too many calls at once'), ('not-configured', 'The server is not set up to answer calls')], default='', max_length=30),
        ),
    ]
