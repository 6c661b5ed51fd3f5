"""One member of a group in a process of its own; it reads until it is killed."""

import argparse
import importlib
import logging


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--topic", required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    adapter = importlib.import_module(f"adapter_{options.client}")
    consumer = adapter.ClientConsumer(options.bootstrap, options.group)
    print("ready", flush=True)
    consumer.subscribe(options.topic)
    while True:
        consumer.poll(1)


if __name__ == "__main__":
    main()
