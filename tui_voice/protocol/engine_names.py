"""Names of embedded engines that the screen treats in a special way."""

BUILT_IN_CHAT = "small chat model (SmolLM2 135M)"
"""It is only for trying the app out, so the welcome page says how to get a better one."""
