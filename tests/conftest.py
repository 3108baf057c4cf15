"""Makes the modules that stand beside this file importable from every folder of tests."""
