"""Runs one scenario with one client against a broker and prints a verdict as JSON.

    python main.py --client confluent --scenario codecs --bootstrap 127.0.0.1:9092

Lines before the last are events for the harness. Exit code 0 only if nothing differed.
"""

import argparse
import faulthandler
import importlib
import logging
import sys
import traceback

from scenario import Report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", required=True)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=5_000)
    options = parser.parse_args()
    # Clients tell at length about each connection refused while a broker is away.
    logging.basicConfig(level=logging.CRITICAL)

    report = Report()
    try:
        adapter = importlib.import_module(f"adapter_{options.client}")
        # A client that is no library brings its scenarios itself.
        scenario = getattr(adapter, options.scenario, None)
        if scenario is not None:
            scenario(options.bootstrap, report, options)
        else:
            scenario = importlib.import_module(f"scenario_{options.scenario}")
            scenario.run(adapter, options.bootstrap, report, options)
    except Exception as error:  # the verdict must name whatever went wrong
        traceback.print_exc()
        # Where each thread is, for a scenario that hangs.
        faulthandler.dump_traceback(all_threads=True)
        report.check("the scenario ran to its end", [f"{type(error).__name__}: {error}"])
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
