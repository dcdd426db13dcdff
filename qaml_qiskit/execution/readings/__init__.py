"""What jobs answered: checked, kept, corrected, and read as averages."""
