import DataflowTesting
import Platform
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs simulations by their seeds.
///
///     swift run simulate 17             one seed, with everything that happened
///     swift run simulate 1 2000         these and all between, with what went wrong
///     … --flaw forgetsTheFence          with a database that errs
///     … --stop 20                       no more after so many that went wrong
///     … --jobs 2                        so many at once
///
/// Exit code 1 when something went wrong.
@main struct Simulate {
    static func main() throws {
        let options = try Options(Array(CommandLine.arguments.dropFirst()))
        let isBad = options.isSingle ? showOne(options) : try runAll(options)
        exit(isBad ? 1 : 0)
    }

    private static func showOne(_ options: Options) -> Bool {
        let report = SteppingRun.run(SteppingPlan(seed: options.first, flaw: options.flaw), isTraced: true)
        report.trace.forEach { print($0) }
        print("seed \(options.first): \(report.steps) steps, \(report.time), fingerprint \(report.fingerprint)")
        for finding in report.findings { print("seed \(options.first): \(finding)") }
        return !report.findings.isEmpty
    }

    private static func runAll(_ options: Options) throws -> Bool {
        let next = Atomic(options.first)
        let bad = Atomic(0)
        let sum = Mutex((steps: 0, fingerprint: UInt64(0)))
        let threads = try (0..<options.jobs).map { number in
            try JoinableThread(name: "job \(number)") {
                while bad.load(ordering: .relaxed) < options.stop {
                    let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard seed <= options.last else { return }
                    // What a crash leaves behind.
                    if options.isVerbose { say("begin \(seed)") }
                    let report = SteppingRun.run(SteppingPlan(seed: seed, flaw: options.flaw))
                    sum.withLock { sum in
                        sum.steps += report.steps
                        sum.fingerprint ^= SeededRandom.mix(seed &+ report.fingerprint)
                    }
                    for finding in report.findings { say("seed \(seed): \(finding)") }
                    if !report.findings.isEmpty { bad.wrappingAdd(1, ordering: .relaxed) }
                    if options.isVerbose {
                        say("end \(seed) \(report.findings.isEmpty ? "well" : "badly") \(report.fingerprint)")
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        let count = min(next.load(ordering: .relaxed), options.last &+ 1) - options.first
        let (steps, fingerprint) = sum.withLock { $0 }
        let failed = bad.load(ordering: .relaxed)
        print("\(count) seeds, \(failed) went wrong, \(steps) steps, fingerprint \(fingerprint)")
        return failed > 0
    }
}

/// Prints at once, so that it is there when a seed crashes.
private func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// What is asked for.
private struct Options {
    struct Misuse: Error, CustomStringConvertible {
        var description: String
    }

    var first: UInt64 = 1
    var last: UInt64 = 1
    var flaw = ModelTarget.Flaw.none
    var stop = Int.max
    var jobs = 1
    /// Whether one seed is to be shown.
    var isSingle = false
    /// Says when each seed begins and ends.
    var isVerbose = false

    init(_ arguments: [String]) throws {
        var seeds: [UInt64] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--flaw":
                let name = rest.popFirst() ?? ""
                guard let flaw = ModelTarget.Flaw(rawValue: name) else {
                    throw Misuse(description: "no flaw '\(name)'")
                }
                self.flaw = flaw
            case "--stop": stop = try Self.number(rest.popFirst())
            case "--jobs": jobs = try Self.number(rest.popFirst())
            case "--verbose": isVerbose = true
            default: seeds.append(UInt64(try Self.number(argument)))
            }
        }
        guard let first = seeds.first else {
            throw Misuse(description: "usage: simulate SEED [LAST] [--jobs N] [--stop N]")
        }
        self.first = first
        last = seeds.count > 1 ? seeds[1] : first
        isSingle = seeds.count == 1
    }

    private static func number(_ text: String?) throws -> Int {
        guard let text, let number = Int(text), number >= 0 else {
            throw Misuse(description: "'\(text ?? "")' is no number")
        }
        return number
    }
}
