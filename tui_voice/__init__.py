"""A terminal voice client for realtime models."""

import os

# onnxruntime from 1.32 on sends a device id, the path of Python, CPU and OS to its vendor, unless
# this is set before it is imported. No module of this package can be imported before this line, and
# child processes inherit it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
