// Prints what sketches cost and how wrong they are, beside the targets. Run it in release:
// swift run -c release --package-path Benchmarks SketchBenchmark [--quick] [--only PART]
let quick = CommandLine.arguments.contains("--quick")
let only = CommandLine.arguments.firstIndex(of: "--only").map { CommandLine.arguments[$0 + 1] }

distinctCountBenchmark(quick: quick, only: only)
if only == nil || only == "quantiles" { quantilesBenchmark() }
