"""The embedded engines, which run offline on this machine: `engines.LocalEngines`."""
