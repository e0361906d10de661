"""What can be answered truly without a model: from the talk itself, by arithmetic, by the clock."""
