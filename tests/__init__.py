"""What holds true of Makewhole; a package, so that test files share worlds and servers by `from tests import …`."""
