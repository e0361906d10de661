"""The screens and dialogs; one of them has the keyboard at a time."""
