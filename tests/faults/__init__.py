"""The fault run: kill -9 of worker and bot at every stage of jobs on all three platforms, and a full disk for a while.

`python -m tests.faults --jobs 200 --seed 1` prints what was seen; the exit is 1 where anything is lost or told twice.
"""
