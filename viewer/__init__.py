"""What people look at: the report page, the contact sheet, the map, and drawings of points and matches."""
