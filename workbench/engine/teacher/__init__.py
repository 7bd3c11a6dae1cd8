"""Who teaches: trained once and cached, or given; and what it says about a batch."""
