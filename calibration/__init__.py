"""From counts to a spectrum one can trust: references, quality, replicates, domain, intervals."""
