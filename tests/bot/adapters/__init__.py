"""Tests of the adapters, each against its platform's loopback server."""
