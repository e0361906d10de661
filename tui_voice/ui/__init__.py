"""The Textual application: screens, widgets and the view that they draw."""
