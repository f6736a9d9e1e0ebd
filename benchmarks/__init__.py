"""How long estui takes and how much memory it needs, from 3 to 3,000 nodes; and the same work done by other tools.

    python -m benchmarks run --sizes 30 300 1000 --json now.json
    python -m benchmarks compare before.json now.json

Every figure is of a whole process, interpreter start and all. Nothing here is a test: a figure fails nobody.
"""
