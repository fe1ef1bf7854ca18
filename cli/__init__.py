"""The command line: parse, call, print. A leaf: nothing imports it."""
