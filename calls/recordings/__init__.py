"""The sound of calls: recorded at Twilio, fetched into our own storage, deleted."""
