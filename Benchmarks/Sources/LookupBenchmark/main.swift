// Prints what dimensions cost: rows from Postgres, tables in memory. Run it in release:
// swift run -c release --package-path Benchmarks LookupBenchmark rows|fetched|table [--postgres URL] [--rows N]
// Each part is a process of its own, for the sake of its peak.
import Foundation

func option(_ name: String) -> String? {
    CommandLine.arguments.firstIndex(of: name).map { CommandLine.arguments[$0 + 1] }
}

let part = CommandLine.arguments.dropFirst().first ?? ""
let rows = option("--rows").flatMap { Int($0) } ?? 1_000_000
switch part {
case "iterated", "fetched":
    guard let url = option("--postgres") else { fatalError("--postgres URL") }
    try rowBenchmark(url: url, rows: rows, isFetched: part == "fetched")
case "table": try tableBenchmark(rows: rows)
default: fatalError("iterated, fetched or table, found \(part)")
}
