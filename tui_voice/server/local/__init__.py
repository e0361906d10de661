"""Engines that hear, think and speak on this machine, offline: `engines.LocalEngines`."""
