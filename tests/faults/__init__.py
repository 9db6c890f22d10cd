"""The fault run: kill -9 of worker and bot at every stage of jobs on all three platforms, and a disk that fills up.

`python -m tests.faults --jobs 200 --seed 1` prints a report. It exits with 1 if a result was lost or delivered twice.
"""
