"""The screens and the dialogs, one module each."""
