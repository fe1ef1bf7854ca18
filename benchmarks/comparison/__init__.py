"""What ``benchmarks.compare`` is made of: data sets, systems, costs, tables, plots and the report."""
