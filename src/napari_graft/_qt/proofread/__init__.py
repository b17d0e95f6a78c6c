"""The proofreading in the tab Proofread & compare: which result, its tools, and what to look at."""
