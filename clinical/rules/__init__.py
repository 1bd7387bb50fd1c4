"""Every rule of the protocol. Importing this package fills the register; `judge_chart` runs them all on one chart."""
