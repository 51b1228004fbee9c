"""A file per peer, imported in its own interpreter; `benchmarks.server.Peer` says what each has."""
