"""The sound of calls: recorded, fetched into our own storage, played, deleted."""
