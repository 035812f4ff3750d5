"""What daphne lacks: graceful stop, limits for requests, Django without middleware."""
