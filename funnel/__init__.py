"""funnel: drip email and lead funnels kept as files."""

__version__ = "0.1.0"
