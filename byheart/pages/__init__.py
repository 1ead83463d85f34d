"""What the pages of a run and of a comparison share: how data travels in them, and how their scripts are joined."""
