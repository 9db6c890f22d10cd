"""What users see: cards, buttons, files made to fit a platform, download links and charts."""
