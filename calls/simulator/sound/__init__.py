"""The sound of a simulated call: clips checked, the caller's voice, the recording."""
