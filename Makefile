# Thin aliases of scripts/; each can be run by hand.
.PHONY: demo test bench check format docs
demo test bench check format docs:
	@scripts/$@
