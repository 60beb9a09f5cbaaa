"""Planted faults: small patches to the engine, each of which the fuzzer must find."""
