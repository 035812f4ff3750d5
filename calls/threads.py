"""Where database work of the sockets is done."""

from functools import partial

from channels.db import database_sync_to_async

# All sockets of a process otherwise share a single thread.
in_any_thread = partial(database_sync_to_async, thread_sensitive=False)
