# Thin aliases of scripts/; each can be run by hand.
.PHONY: demo test smoke full bench check format docs
demo test bench check format docs:
	@scripts/$@
smoke full:
	@scripts/test --$@
