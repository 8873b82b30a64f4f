"""A day's sheet as people take it along: a page to print, a workbook, a table for whatever reads tables."""
