"""`python -m ponder`."""

from ponder.cli.main import run

if __name__ == "__main__":
    run()
