"""Simulation and evaluation of limits and policies: used by the command line and the tests."""
