"""Jobs in the front end: their state machine, and one run for identical jobs."""
