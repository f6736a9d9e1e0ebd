"""`python -m estui`, the same as the console script."""

from estui.cli.main import run

if __name__ == "__main__":
    run()
