"""Where database work of the sockets and of the carrier's requests is done."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from channels.db import database_sync_to_async

# A database that hangs takes only these with it: the event loop has few threads, and
# looks for the names of hosts in them.
_threads = ThreadPoolExecutor(12, thread_name_prefix="database")
# New calls that hang must not keep those in progress from being resumed.
_ringing = ThreadPoolExecutor(6, thread_name_prefix="ringing")

# All sockets of a process otherwise share a single thread.
in_any_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=_threads
)
for_a_new_call = partial(
    database_sync_to_async, thread_sensitive=False, executor=_ringing
)
