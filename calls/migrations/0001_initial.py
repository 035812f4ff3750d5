from decimal import Decimal

import bots.validators
import calls.blocking
import calls.models.call
import calls.models.recording
import calls.models.turn
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from calls.prices.first_prices import first_prices


# Calls are found by an index, on PostgreSQL: by words said in them, and by number.
# `left`, because PostgreSQL refuses to index a text of more than a megabyte. Searches
# write the same expression (calls/review/search.py).
POSTGRESQL_INDEXES = (
    """CREATE INDEX calls_turn_words ON calls_turn
        USING gin (to_tsvector('simple'::regconfig, left(folded_text, 100000)))""",
    """CREATE INDEX calls_call_words ON calls_call
        USING gin (to_tsvector('simple'::regconfig, left(search_text, 100000)))""",
    "CREATE INDEX calls_call_numbers ON calls_call (from_number, to_number, id)",
)


def create_postgresql_indexes(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in POSTGRESQL_INDEXES:
            schema_editor.execute(statement)


def add_first_prices(apps, schema_editor):
    price = apps.get_model("calls", "Price")
    for rate, source in first_prices():
        price.objects.create(
            kind=rate.kind,
            item=rate.item,
            amount=rate.amount,
            currency=rate.currency,
            valid_from=rate.valid_from,
            source=source,
        )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('bots', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True, verbose_name='time')),
                ('kind', models.CharField(choices=[('signed-in', 'Signed in'), ('failed', 'Sign-in failed'), ('signed-out', 'Signed out'), ('locked-out', 'Locked out'), ('two-factor', 'Two-factor sign-in changed'), ('exported', 'Exported'), ('invited', 'Invited'), ('withdrawn', 'Invitation withdrawn'), ('joined', 'Invitation accepted'), ('reset-asked', 'New password asked for'), ('reset-done', 'Password set by a link'), ('settings', 'Settings changed'), ('listened', 'Recording played'), ('outage', 'Outage announced or ended')], max_length=12, verbose_name='event')),
                ('name', models.CharField(blank=True, max_length=150, verbose_name='user name')),
                ('address', models.GenericIPAddressField(help_text='Of the visitor; of an IPv6 address its network.', null=True)),
                ('details', models.CharField(blank=True, max_length=150)),
            ],
            options={
                'verbose_name': 'sign-in or export',
                'verbose_name_plural': 'sign-ins and exports',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='CarrierVerdict',
            fields=[
                ('account_sid', models.CharField(max_length=34, primary_key=True, serialize=False)),
                ('verdict', models.CharField(blank=True, max_length=10)),
                ('format', models.CharField(default='wav', max_length=3)),
                ('since', models.DateTimeField(blank=True, null=True)),
                ('calls', models.PositiveIntegerField(default=0)),
                ('retry_at', models.DateTimeField(blank=True, null=True)),
                ('shown', models.JSONField(default=list, help_text='Digests of calls, and what each has shown.')),
            ],
        ),
        migrations.CreateModel(
            name='ScheduledRun',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('day', models.DateField(help_text='The latest day for which the job was started.')),
                ('last_seen_at', models.DateTimeField(help_text='The latest sign of progress.')),
                ('done_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BlockedCaller',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pattern', models.CharField(help_text='A number (+14155550100), the beginning of numbers (+1900*), sip:… or client:…, or “anonymous” for all callers who hide their number.', max_length=120, unique=True, validators=[calls.blocking.is_pattern], verbose_name='number')),
                ('note', models.CharField(blank=True, help_text='The reason, for colleagues.', max_length=200)),
                ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='blocked on')),
                ('added_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='blocked by')),
            ],
            options={
                'ordering': ['-added_at'],
            },
        ),
        migrations.CreateModel(
            name='Call',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('call_sid', models.CharField(max_length=64, unique=True, verbose_name='call SID')),
                ('bot_name', models.CharField(blank=True, max_length=80)),
                ('from_number', models.CharField(blank=True, max_length=120, verbose_name='from')),
                ('to_number', models.CharField(blank=True, max_length=120, verbose_name='to')),
                ('caller', calls.models.call.CallerField(blank=True, editable=False, max_length=120)),
                ('direction', models.CharField(choices=[('inbound', 'Inbound'), ('outbound-api', 'Outbound')], default='inbound', max_length=20)),
                ('status', models.CharField(choices=[('ringing', 'Ringing'), ('in-progress', 'In progress'), ('completed', 'Completed'), ('failed', 'Failed'), ('refused', 'Refused')], db_index=True, default='ringing', max_length=20)),
                ('end_reason', models.CharField(blank=True, choices=[('', 'Not ended yet'), ('caller-hung-up', 'The caller hung up'), ('bot-hung-up', 'The bot ended the call'), ('caller-silent', 'The caller said nothing more'), ('time-limit', 'The call reached its time limit'), ('operator-ended', 'An operator ended the call'), ('transferred', 'The caller was transferred'), ('bot-failed', 'The bot could not answer'), ('connection-lost', 'The connection to Twilio was lost'), ('carrier-failed', 'Twilio reported a failure'), ('settings-refused', "Twilio refused the bot's settings"), ('never-connected', 'The call never reached the bot'), ('server-stopped', 'The server was stopped during the call'), ('not-in-service', 'The number or its bot is switched off'), ('no-bot', 'No bot answers this number and there is no default bot'), ('closed', 'The number was closed'), ('outage', 'An outage was announced'), ('budget', 'The budget was spent'), ('busy', 'Too many calls at once'), ('not-configured', 'The server is not set up to answer calls'), ('wrong-method', 'The request came with GET instead of POST'), ('blocked', 'The caller is blocked'), ('too-many-calls', 'The caller made too many calls'), ('too-many-hidden', 'Too many calls from hidden numbers'), ('minutes-used-up', 'The minutes of the day were used up')], default='', max_length=30)),
                ('search_text', models.TextField(blank=True, db_default='', editable=False, help_text='Summary, details, notes and tags, as searches compare them.')),
                ('settings', models.JSONField(default=dict, help_text="The bot's settings this call ran with.")),
                ('variables', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict, help_text="Values from the webhook's address and from the lookup.")),
                ('transfer', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict, editable=False, help_text='The person the caller is being transferred to, or why nobody took the caller.')),
                ('is_test', models.BooleanField(default=False, help_text='Made in the console, to try a bot.', verbose_name='test call')),
                ('started_at', models.DateTimeField(db_index=True)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('relay_nonce', models.CharField(blank=True, editable=False, help_text='Part of a relay token that no socket has used yet.', max_length=32)),
                ('reconnects', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('failed_transfers', models.PositiveSmallIntegerField(db_default=0, default=0, editable=False, help_text='Reconnects because nobody took a transferred call.')),
                ('failed_relay_sessions', models.JSONField(default=list, editable=False, help_text="Twilio's ids of lost sessions.")),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, help_text='By the clock of the database.')),
                ('disconnected_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('twilio_error_code', models.CharField(blank=True, db_default='', max_length=8)),
                ('twilio_error_message', models.CharField(blank=True, db_default='', max_length=200)),
                ('settings_refused_at', models.DateTimeField(blank=True, editable=False, help_text='Since then, the call goes on with reduced TwiML.', null=True)),
                ('summary', models.TextField(blank=True, db_default='')),
                ('outcome', models.CharField(blank=True, db_default='', db_index=True, max_length=80)),
                ('extracted_fields', models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, verbose_name='fields')),
                ('handled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('turn_count', models.PositiveIntegerField(default=0, verbose_name='turns')),
                ('slowest_response_ms', models.PositiveIntegerField(blank=True, null=True, verbose_name='slowest answer')),
                ('was_interrupted', models.BooleanField(default=False, verbose_name='interrupted')),
                ('had_error', models.BooleanField(default=False, verbose_name='error')),
                ('caller_was_silent', models.BooleanField(default=False, verbose_name='silent')),
                ('bot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='calls', to='bots.bot')),
                ('handled_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-started_at'],
                'indexes': [models.Index(fields=['is_test', '-started_at'], name='calls_test_started'), models.Index(fields=['bot', '-started_at'], name='calls_bot_started'), models.Index(fields=['caller', '-started_at'], name='calls_caller_started'), models.Index(condition=models.Q(('settings_refused_at__isnull', False)), fields=['settings_refused_at'], name='calls_settings_refused'), models.Index(condition=models.Q(('handled_at__isnull', False)), fields=['handled_at'], name='calls_handled')],
            },
        ),
        migrations.CreateModel(
            name='CallNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(max_length=2000)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='calls.call')),
            ],
            options={
                'ordering': ['pk'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='CallTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='calls.call')),
            ],
            options={
                'ordering': ['name'],
                'default_permissions': (),
                'indexes': [models.Index(fields=['name', 'call'], name='calls_tag_name')],
                'constraints': [models.UniqueConstraint(fields=('call', 'name'), name='calls_one_tag_per_name')],
            },
        ),
        migrations.CreateModel(
            name='ExportFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('form', models.CharField(max_length=10)),
                ('call_ids', models.BinaryField(help_text='Keys of the calls, eight bytes each.')),
                ('columns', models.JSONField(default=list, help_text='Names of the columns that only some calls have.')),
                ('call_count', models.PositiveIntegerField()),
                ('hides_numbers', models.BooleanField(help_text='As for the person who asked.')),
                ('bots', models.JSONField(help_text='Keys of the bots whose calls it may have; null: all.', null=True)),
                ('state', models.CharField(choices=[('making', 'Being made'), ('ready', 'Ready'), ('failed', 'Failed')], default='making', max_length=10)),
                ('written', models.PositiveIntegerField(default=0, help_text='Calls in it so far.')),
                ('size', models.PositiveBigIntegerField(default=0, help_text='In bytes.')),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Until then, one process has it for itself.')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ExportPiece',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pieces', to='calls.exportfile')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('file', 'index'), name='calls_one_piece_per_index')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='mail address')),
                ('name', models.CharField(blank=True, max_length=150)),
                ('role', models.CharField(choices=[('operator', 'Operator'), ('viewer', 'Viewer'), ('superuser', 'Superuser')], default='operator', max_length=10)),
                ('all_bots', models.BooleanField(default=True, verbose_name='for all bots')),
                ('digest', models.CharField(help_text='Of the secret.', max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('bots', models.ManyToManyField(blank=True, related_name='+', to='bots.bot')),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PostCallTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('summary', 'Summary'), ('webhook', 'Webhook')], max_length=10)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Given up')], default='waiting', max_length=10)),
                ('due_at', models.DateTimeField(help_text='Not tried before this time.')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('log', models.JSONField(default=list, help_text='Each attempt: time, duration, result.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='post_call_tasks', to='calls.call')),
            ],
            options={
                'verbose_name': 'after-call task',
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['state', 'due_at'], name='calls_task_due')],
                'constraints': [models.UniqueConstraint(fields=('call', 'kind'), name='calls_one_task_per_kind')],
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(help_text="The parameters of the list's address.", max_length=2000)),
                ('is_shared', models.BooleanField(default=False, help_text='Everybody sees it.')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': [django.db.models.functions.text.Lower('name'), 'pk'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('user', 'name'), name='calls_one_view_per_name')],
            },
        ),
        migrations.CreateModel(
            name='Turn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveIntegerField()),
                ('role', models.CharField(choices=[('caller', 'Caller'), ('bot', 'Bot'), ('tool', 'Tool'), ('system', 'System')], max_length=10)),
                ('text', models.TextField(blank=True, help_text='The transcribed or generated text.')),
                ('folded_text', calls.models.turn.FoldedTextField(blank=True, db_default='', editable=False)),
                ('heard_text', models.TextField(blank=True, help_text='The part of the text that the caller heard.')),
                ('interrupted', models.BooleanField(default=False)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('latency_ms', models.JSONField(default=dict, help_text="Milliseconds since the caller's last word, by stage.")),
                ('clip_ids', models.JSONField(blank=True, default=list, help_text='Its audio clips, until they expire.')),
                ('kind', models.CharField(blank=True, help_text='Set for sentences that no language model wrote, e.g. filler.', max_length=20)),
                ('model', models.CharField(blank=True, help_text='The language model that wrote it.', max_length=120)),
                ('prompt_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('completion_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('error', models.CharField(blank=True, help_text='The problem, in plain words.', max_length=300)),
                ('tool_call', models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text="The tool's name, its arguments and its result.")),
                ('hedge', models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='What was used of the other model, if two were asked.')),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='turns', to='calls.call')),
            ],
            options={
                'ordering': ['call', 'index'],
                'constraints': [models.UniqueConstraint(fields=('call', 'index'), name='calls_one_turn_per_index')],
            },
        ),
        migrations.CreateModel(
            name='SoundDeletion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sid', models.CharField(blank=True, help_text='At Twilio, if any.', max_length=34)),
                ('account_sid', models.CharField(blank=True, max_length=34)),
                ('file', models.CharField(blank=True, help_text='In our own storage, if any.', max_length=120)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('problem', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('sid', 'file'), name='calls_one_deletion_per_sound')],
            },
        ),
        migrations.CreateModel(
            name='Recording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(choices=[('twilio', 'Recorded by Twilio'), ('local', 'Recorded by this server')], default='twilio', max_length=10)),
                ('status', models.CharField(choices=[('recording', 'Being recorded'), ('paused', 'Paused'), ('completed', 'Recorded'), ('absent', 'No sound'), ('failed', 'Failed'), ('deleted', 'Deleted')], default='recording', max_length=10)),
                ('sid', models.CharField(blank=True, help_text="Twilio's; empty until Twilio has answered, and for our own.", max_length=34, null=True, unique=True, verbose_name='recording SID')),
                ('account_sid', models.CharField(blank=True, help_text='The Twilio account that has the call.', max_length=34, verbose_name='account SID')),
                ('is_controlled', models.BooleanField(default=False, help_text='A session of the call can pause and stop it.')),
                ('started_at', models.DateTimeField()),
                ('duration_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('channels', models.PositiveSmallIntegerField(default=2)),
                ('file', models.FileField(blank=True, help_text='In our own storage; empty while only Twilio has the sound.', max_length=120, storage=calls.models.recording.recording_storage, upload_to='')),
                ('size', models.PositiveBigIntegerField(blank=True, help_text='Of the file, in bytes.', null=True)),
                ('content_type', models.CharField(blank=True, default='audio/wav', max_length=40)),
                ('peaks', models.JSONField(blank=True, default=list, help_text='Of the waveform: for each channel a list of numbers from 0 to 1.')),
                ('problem', models.CharField(blank=True, help_text='Why there is no sound, or why it could not be fetched yet.', max_length=300)),
                ('fetched_at', models.DateTimeField(blank=True, null=True)),
                ('removed_at_twilio_at', models.DateTimeField(blank=True, null=True)),
                ('due_at', models.DateTimeField(blank=True, help_text='When a worker looks at it next; empty: never.', null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recordings', to='calls.call')),
            ],
            options={
                'ordering': ['call', 'started_at', 'pk'],
                'default_permissions': ('view',),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='calls_recording_due')],
            },
        ),
        migrations.CreateModel(
            name='DaySpending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('bot', models.PositiveBigIntegerField(default=0)),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.DecimalField(decimal_places=8, default=0, max_digits=16)),
                ('calls', models.PositiveIntegerField(default=0)),
                ('dearest', models.DecimalField(decimal_places=8, default=0, max_digits=16)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('day', 'bot', 'currency'), name='calls_one_spending_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('line-in', 'Incoming call, a minute'), ('line-out', 'Outgoing call or transfer, a minute'), ('relay', 'ConversationRelay, a minute'), ('recording', 'Recording, a minute'), ('storage', 'Recording kept at Twilio, a minute a month'), ('tokens-read', 'Tokens read, a million'), ('tokens-cached', 'Cached tokens read, a million'), ('tokens-written', 'Tokens written, a million'), ('speech', 'Speech, a million characters')], max_length=20, verbose_name='price of')),
                ('item', models.CharField(blank=True, help_text='Of tokens and speech: the model. Of a telephone line: the country and the kind of number, such as US local, US toll-free or DE mobile. Empty: everything that has no price of its own.', max_length=120, validators=[bots.validators.plain_text], verbose_name='for')),
                ('amount', models.DecimalField(decimal_places=6, max_digits=12, validators=[django.core.validators.MinValueValidator(0, 'A price cannot be negative.')], verbose_name='price')),
                ('currency', models.CharField(max_length=3)),
                ('valid_from', models.DateField(help_text='Calls that begin on this day or later have this price, until the next price for the same begins.')),
                ('source', models.CharField(blank=True, help_text='The page or the contract that names it, and its day.', max_length=200, validators=[bots.validators.plain_text])),
                ('is_listed', models.BooleanField(default=False, editable=False)),
            ],
            options={
                'ordering': ['kind', 'item', '-valid_from'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'item', 'valid_from'), name='calls_one_price_a_day', violation_error_message='There is a price for this from that day on already. Change that one, or choose another day.')],
            },
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('day', 'Each day'), ('month', 'Each month')], default='month', max_length=10, verbose_name='for')),
                ('limit', models.DecimalField(decimal_places=2, max_digits=12, validators=[django.core.validators.MinValueValidator(Decimal('0.01'), 'Write an amount above zero.')])),
                ('warning_percent', models.PositiveSmallIntegerField(default=80, help_text='The console warns when so much of it is spent.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='warn at (%)')),
                ('action', models.CharField(choices=[('warn', 'Are answered as always; it is only shown'), ('message', 'Hear a message, and the call ends'), ('transfer', 'Are transferred to a number'), ('bot', 'Talk to another bot')], default='message', help_text='From the next call on. Calls in progress go on.', max_length=20, verbose_name='when it is spent, callers')),
                ('message', models.TextField(blank=True, help_text="Said first. Empty: the bot's sentence “when a number is closed”; before a transfer, its transfer message.", max_length=2000, validators=[django.core.validators.MaxLengthValidator(2000), bots.validators.plain_text, bots.validators.placeholders_of_ours], verbose_name='text')),
                ('transfer_number', models.CharField(blank=True, max_length=16, validators=[django.core.validators.RegexValidator('^\\+[1-9][0-9]{6,14}\\Z', 'Write the number with + and country code, e.g. +14155550100.'), bots.validators.transferable], verbose_name='transfer to')),
                ('bot', models.ForeignKey(blank=True, help_text='Empty: all bots together.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to='bots.bot')),
                ('other_bot', models.ForeignKey(blank=True, help_text='For example one with a cheaper model. Its own budget counts for it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='bots.bot', verbose_name='other bot')),
            ],
            options={
                'ordering': [models.OrderBy(models.F('bot__name'), nulls_first=True), 'period'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.comparison.Coalesce(models.F('bot'), models.Value(0)), models.F('period'), name='calls_one_budget_a_period', violation_error_message='There is a budget for this bot and time already. Change that one.')],
            },
        ),
        migrations.CreateModel(
            name='CallCost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text='The day on which the call began, at the deployment.', null=True)),
                ('amount', models.DecimalField(decimal_places=8, max_digits=16, null=True)),
                ('is_partial', models.BooleanField(default=False)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('lines', models.JSONField(default=list)),
                ('calculated_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('counted', models.DecimalField(decimal_places=8, default=0, max_digits=16)),
                ('reserved', models.DecimalField(decimal_places=8, max_digits=16, null=True)),
                ('call', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='cost', to='calls.call')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='calls_cost_due'), models.Index(condition=models.Q(('reserved__isnull', False)), fields=['day'], name='calls_cost_reserved')],
            },
        ),
        migrations.CreateModel(
            name='CallUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('entries', models.JSONField(default=list)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='usages', to='calls.call')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('call', 'source'), name='calls_one_usage_a_source')],
            },
        ),
        migrations.RunPython(add_first_prices, migrations.RunPython.noop),
        migrations.RunPython(create_postgresql_indexes, migrations.RunPython.noop),
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text="For example “Office” or “Ann's phone”.", max_length=60, unique=True)),
                ('kind', models.CharField(choices=[('mail', 'Mail'), ('slack', 'Slack'), ('teams', 'Microsoft Teams'), ('discord', 'Discord'), ('sms', 'SMS')], default='mail', max_length=10, verbose_name='sent by')),
                ('address', models.CharField(blank=True, max_length=254)),
                ('encrypted_url', models.TextField(blank=True, editable=False)),
                ('sender', models.CharField(blank=True, help_text='A number of your Twilio account that can send SMS, or the SID of a Messaging Service (MG…).', max_length=34, verbose_name='from')),
                ('hourly_limit', models.PositiveSmallIntegerField(default=20, help_text='At most. What happens above that waits and comes in one message with a count, so nothing is lost.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(600)], verbose_name='messages an hour')),
                ('is_active', models.BooleanField(default=True, help_text='If switched off, nothing is sent here.', verbose_name='active')),
            ],
            options={
                'verbose_name': 'alert channel',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='AlertMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel_name', models.CharField(max_length=60, verbose_name='channel')),
                ('delivery', models.CharField(choices=[('at-once', 'At once'), ('hourly', 'Collected, every hour'), ('daily', 'Collected, once a day')], max_length=10)),
                ('is_test', models.BooleanField(default=False, verbose_name='test')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Not sent'), ('unknown', 'Perhaps sent'), ('lost', 'Not delivered')], default='waiting', max_length=10)),
                ('planned_at', models.DateTimeField(help_text='When it was to be sent, by digest and limit.')),
                ('was_held', models.BooleanField(default=False, help_text='It waited because of the limit of messages an hour.')),
                ('due_at', models.DateTimeField(help_text='Not sent before; while it is being sent, the end of the attempt.')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('log', models.JSONField(default=list, help_text='Each attempt, and each report on it: time and result.')),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('alert_count', models.PositiveIntegerField(default=0, verbose_name='things told')),
                ('sent_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to='calls.alertchannel')),
                ('sent_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'alert',
                'verbose_name_plural': 'alerts sent',
                'ordering': ['-pk'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['state', 'due_at'], name='calls_alert_due'), models.Index(fields=['channel', '-planned_at'], name='calls_alert_planned')],
            },
        ),
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(choices=[('call-failed', 'A call failed'), ('transfer-missed', 'Nobody took a transfer'), ('asked-for-person', 'A caller asked for a person'), ('outcome', 'A call had a certain outcome'), ('slow-answers', 'Answers are slow'), ('errors', 'Many calls have errors'), ('budget', 'A budget is nearly or fully spent'), ('server-trouble', 'The server is in trouble')], max_length=20, verbose_name='tell when')),
                ('is_for_all_bots', models.BooleanField(default=True, editable=False)),
                ('outcome', models.CharField(blank=True, help_text='As it is written under “Outcomes” of the bot.', max_length=80)),
                ('max_seconds', models.DecimalField(blank=True, decimal_places=1, help_text='5 of 100 answers take longer than this to begin.', max_digits=4, null=True, validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(60)], verbose_name='more than (seconds)')),
                ('max_percent', models.PositiveSmallIntegerField(blank=True, help_text='Of the calls, this share failed or had an answer that failed.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(99)], verbose_name='more than (%)')),
                ('window_minutes', models.PositiveSmallIntegerField(default=15, help_text='The time that is looked at. Fewer than 5 calls or answers in it are no reason to tell anybody.', validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(1440)], verbose_name='within (minutes)')),
                ('delivery', models.CharField(choices=[('at-once', 'At once'), ('hourly', 'Collected, every hour'), ('daily', 'Collected, once a day')], default='at-once', max_length=10, verbose_name='how soon')),
                ('daily_hour', models.PositiveSmallIntegerField(default=8, help_text='0 to 23, in the time zone of the console.', validators=[django.core.validators.MaxValueValidator(23)], verbose_name='hour of the day')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('bot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='bots.bot')),
                ('channels', models.ManyToManyField(related_name='rules', to='calls.alertchannel', verbose_name='send to')),
            ],
            options={
                'verbose_name': 'alert rule',
                'ordering': ['event', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='AlertIncident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('detail', models.CharField(max_length=300)),
                ('began_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='calls.alertrule')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('rule', 'key'), name='calls_one_incident_per_key')],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('thing', models.CharField(help_text='The same for the same thing.', max_length=120)),
                ('event', models.CharField(choices=[('call-failed', 'A call failed'), ('transfer-missed', 'Nobody took a transfer'), ('asked-for-person', 'A caller asked for a person'), ('outcome', 'A call had a certain outcome'), ('slow-answers', 'Answers are slow'), ('errors', 'Many calls have errors'), ('budget', 'A budget is nearly or fully spent'), ('server-trouble', 'The server is in trouble')], max_length=20)),
                ('is_over', models.BooleanField(default=False, help_text='Something lasting ended.')),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('bot_name', models.CharField(blank=True, max_length=80)),
                ('at', models.DateTimeField()),
                ('bot', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='bots.bot')),
                ('call', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='alerts', to='calls.call')),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='calls.alertchannel')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='calls.alertmessage')),
                ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='calls.alertrule')),
            ],
            options={
                'ordering': ['pk'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('rule', 'channel', 'thing'), name='calls_alert_once')],
            },
        ),
        migrations.CreateModel(
            name='CallToCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_index=True)),
                ('call', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='calls.call')),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
