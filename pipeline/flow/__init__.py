"""Running the steps of a night, checking the books after each, and saving what each stage produced."""
