"""Parts of tools/make_sample.py: how the synthetic sample district is drawn and filled."""
