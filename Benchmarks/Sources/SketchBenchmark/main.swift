quantilesBenchmark()
