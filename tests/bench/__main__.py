"""`python -m tests.bench [NAME …]`: measurements, printed as ratios of one and the same run."""

from __future__ import annotations

import argparse

from tests.bench import overhead

BENCHES = {"overhead": overhead.main}


def main() -> None:
    """Run the benches that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], default=[])
    for name in parser.parse_args().names or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
