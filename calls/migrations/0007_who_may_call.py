import calls.blocking
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0006_survive_a_worker'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BlockedCaller',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pattern', models.CharField(help_text='A number (+14155550100), how numbers begin (+1900*), sip:… or client:…, or “anonymous” for everybody who hides their number.', max_length=120, unique=True, validators=[calls.blocking.is_pattern], verbose_name='number')),
                ('note', models.CharField(blank=True, help_text='Why, for whoever asks later.', max_length=200)),
                ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='blocked on')),
                ('added_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='blocked by')),
            ],
            options={
                'ordering': ['-added_at'],
            },
        ),
        migrations.AlterField(
            model_name='call',
            name='end_reason',
            field=models.CharField(blank=True, choices=[('', 'Not ended yet'), ('caller-hung-up', 'The caller hung up'), ('bot-hung-up', 'The bot ended the call'), ('caller-silent', 'The caller said nothing any more'), ('time-limit', 'The call reached its longest length'), ('operator-ended', 'An operator ended the call'), ('transferred', 'The caller was put through'), ('bot-failed', 'The bot could not answer'), ('connection-lost', 'The connection to the carrier was lost'), ('carrier-failed', 'The carrier reported a failure'), ('never-connected', 'The call never reached the bot'), ('server-stopped', 'The server was stopped during the call'), ('not-in-service', 'The number or its bot is switched off'), ('no-bot', 'No bot answers this number and there is no default bot'), ('busy', 'Too many calls at once'), ('not-configured', 'The server is not set up to answer calls'), ('blocked', 'The caller is blocked'), ('too-many-calls', 'The caller made too many calls')], default='', max_length=30),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(fields=['from_number', '-started_at'], name='calls_from_started'),
        ),
    ]
