"""The life of a job in the front end: its states, and runs that identical jobs share."""
