"""How the terminal UI feels, seen from outside: first paint, key to screen, bytes per key; while an apply runs.

    python -m benchmarks.tui --nodes 1000 --keys 200

What it should be: first paint within 0.4 s, a key on the screen within 30 ms at p95 and in at most 2 kB, an end within
a second. On a busy host the figures are those of the host: the load is printed with them.
"""
