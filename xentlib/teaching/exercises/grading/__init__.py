"""Grade returned notebooks in batch: the `grader` has a `marker` judge the answers that a `learner` comes to."""
