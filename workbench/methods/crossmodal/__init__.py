"""Methods whose teacher sees something else, or says why."""
