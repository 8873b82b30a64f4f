"""The parts put together by hand, a file for each thing that somebody asks for: settings go in, it comes out attached."""
