"""What two or more methods share: banks, adapters, matched layers, samplers; no method stands here."""
