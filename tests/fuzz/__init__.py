"""Hostile bytes for every parser: mutated seeds, judged by what comes out.

`python -m tests.fuzz --seconds 180 --jobs 2` runs every target for a share of three minutes,
`python -m tests.fuzz der --inputs 1000000` one of them for a count.
"""
