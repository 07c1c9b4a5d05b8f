import Catalog
import Dataflow
import Testing

@testable import Millrace

/// How many processes a topology calls for.
@Suite struct WantedReplicasTests {
    private static func instance(
        _ number: Int, load: Double?, rate: Double = 1_000, lag: Int64 = 0, partitions: Range<Int32> = 0..<0
    ) -> TopologyState {
        var snapshot = RunSnapshot()
        (snapshot.load, snapshot.rate, snapshot.lag) = (load, rate, lag)
        snapshot.partitions = partitions.map {
            .init(topic: "t", partition: $0, source: "in", isOurs: true, next: nil, committed: nil)
        }
        return TopologyState(
            topology: "kpis", daemon: "h/\(number)", version: 1, generation: 1, kind: .running, reason: "", since: 0,
            restarts: 0, snapshot: snapshot)
    }

    private static func count(_ states: [TopologyState], wanted: Wanted = .running) -> Int {
        let deployment = Deployment(
            topology: "kpis", version: 1, wanted: wanted, generation: 1, settings: RunSettings(), changedBy: "me",
            changedAt: 0)
        return WantedReplicas.count(TopologyStatus(deployment, states))
    }

    @Test func itFollowsWhatIsToBeDone() {
        let all: Range<Int32> = 0..<4
        #expect(Self.count([], wanted: .running) == 1)
        #expect(Self.count([Self.instance(1, load: 0.9, partitions: all)], wanted: .paused) == 0)
        #expect(Self.count([Self.instance(1, load: 0.05, partitions: all)]) == 1)
        #expect(Self.count([Self.instance(1, load: 0.69, partitions: all)]) == 1)
        #expect(Self.count([Self.instance(1, load: 0.72, partitions: all)]) == 2)
        // What waits for the next commit is no backlog; an hour's work is.
        #expect(Self.count([Self.instance(1, load: 0.6, lag: 20_000, partitions: all)]) == 1)
        #expect(Self.count([Self.instance(1, load: 0.9, lag: 3_600_000, partitions: 0..<64)]) == 7)
        // Never more than there are partitions.
        #expect(Self.count([Self.instance(1, load: 0.9, lag: 3_600_000, partitions: all)]) == 4)
        let pair = [
            Self.instance(1, load: 0.4, partitions: 0..<1), Self.instance(2, load: 0.4, partitions: 1..<2),
        ]
        #expect(Self.count(pair) == 2)
        #expect(Self.count(pair + [Self.instance(3, load: 0)]) == 2)
        #expect(
            Self.count([
                Self.instance(1, load: 0.2, partitions: 0..<2), Self.instance(2, load: 0.2, partitions: 2..<4),
            ]) == 1)
        // One of them has just begun.
        #expect(
            Self.count([
                Self.instance(1, load: 1, partitions: 0..<2), Self.instance(2, load: nil, partitions: 2..<4),
            ]) == 2)
        // It stands still, and nobody knows what more of them would do.
        let still = (1...3).map { Self.instance($0, load: 0, rate: 0, lag: 1_000_000, partitions: all) }
        #expect(Self.count(still) == 3)
        #expect(Self.count((1...3).map { Self.instance($0, load: 0, rate: 0, partitions: all) }) == 1)
    }

    /// A process more runs programs of its own, unless all that may run do so already.
    @Test func sharedPermitsBringNoMoreProcesses() {
        func two(wish: [Int], load: Double = 1) -> Int {
            Self.count(
                wish.enumerated().map { number, wish in
                    var state = Self.instance(number, load: load, partitions: Int32(number * 8)..<Int32(number * 8 + 8))
                    state.snapshot.nodes = [.init(name: "geo", entered: 0, left: 0, groups: 0, memory: 0)]
                    state.snapshot.nodes[0].permits = .init(
                        limit: 3, told: 3, held: 1, used: 1, wish: wish, others: [], secondsWaited: nil)
                    return state
                })
        }
        #expect(two(wish: [1, 1]) == 3)
        #expect(two(wish: [1, 2]) == 2)
        #expect(two(wish: [3, 3]) == 2)
        // With less to do there may be fewer.
        #expect(two(wish: [1, 2], load: 0.1) == 1)
    }

    /// One program at a time keeps three of four workers out; it has no time left, and so has the process.
    @Test func aNarrowNodeFillsAProcess() throws {
        var load = ProcessLoad()
        let start = ContinuousClock.now
        func look(_ second: Int, permits: Int) -> Double? {
            var progress = ProgressSnapshot()
            let busy = Duration.milliseconds(second * 900)
            progress.nodes = [NodeSnapshot(name: "parse", busy: busy / 9), NodeSnapshot(name: "geo", busy: busy)]
            progress.stages = [
                StageSnapshot(head: "parse", permits: 4, busy: busy / 9),
                StageSnapshot(head: "geo", permits: permits, busy: busy),
            ]
            return load.measure(progress, workers: 4, at: start + .seconds(second))
        }
        for second in 0..<60 { #expect(look(second, permits: 1) == nil) }
        let narrow = try #require(look(60, permits: 1))
        #expect(abs(narrow - 0.9) < 1e-9)
        load = ProcessLoad()
        for second in 0..<60 { _ = look(second, permits: 4) }
        let wide = try #require(look(60, permits: 4))
        #expect(abs(wide - 0.25) < 1e-9)
    }

    @Test func aMeterSaysNothingTooEarlyAndForgets() {
        var meter = LoadMeter()
        let start = ContinuousClock.now
        var busy = Duration.zero
        var last: Double?
        for second in 0..<60 {
            last = meter.measure(busy: busy, workers: 2, at: start + .seconds(second))
            #expect(last == nil, "\(second)")
            busy += .seconds(1)
        }
        last = meter.measure(busy: busy, workers: 2, at: start + .seconds(60))
        #expect(last.map { abs($0 - 0.5) < 1e-9 } == true, "\(String(describing: last))")
        for second in 61..<200 { last = meter.measure(busy: busy, workers: 2, at: start + .seconds(second)) }
        #expect((last ?? 1) < 0.01)
        // It has begun anew.
        #expect(meter.measure(busy: .zero, workers: 2, at: start + .seconds(200)) == nil)
    }

    /// An autoscaler that does what the gauge says, over a topology whose processes read 10,000 records a second each.
    private struct Simulation {
        private static let capacity = 10_000.0
        var meters = [LoadMeter()]
        var busy = [0.0]
        var lag = 0.0
        var seconds = 0
        /// When the number of processes was changed, and to what.
        var changes: [(second: Int, count: Int)] = []
        private let start = ContinuousClock.now

        mutating func run(for length: Int, partitions: Int, arriving: (Int) -> Double) {
            for second in seconds..<(seconds + length) {
                lag += arriving(second)
                let rate = min(lag, Self.capacity * Double(meters.count))
                lag -= rate
                var loads: [Double?] = []
                for index in meters.indices {
                    busy[index] += rate / Self.capacity / Double(meters.count)
                    loads.append(
                        meters[index].measure(
                            busy: .milliseconds(Int(busy[index] * 1_000)), workers: 1, at: start + .seconds(second)))
                }
                guard second % 15 == 0 else { continue }
                let states = loads.enumerated().map { number, load in
                    WantedReplicasTests.instance(
                        number, load: load, rate: rate / Double(loads.count), lag: Int64(lag) / Int64(loads.count),
                        partitions: 0..<Int32(partitions))
                }
                scale(to: WantedReplicasTests.count(states), second)
            }
            seconds += length
        }

        private mutating func scale(to count: Int, _ second: Int) {
            guard count != meters.count else { return }
            changes.append((second, count))
            // All share the partitions anew, so all of them are measured from the beginning.
            meters = Array(repeating: LoadMeter(), count: count)
            busy = Array(repeating: 0, count: count)
        }
    }

    @Test(arguments: [1_000.0, 6_900, 7_100, 14_500, 25_000, 33_333]) func aSteadyLoadSettles(rate: Double) {
        var simulation = Simulation()
        // Up and down by a tenth, as real ones are.
        func arriving(_ second: Int) -> Double { rate * (second / 60 % 2 == 0 ? 0.9 : 1.1) }
        simulation.run(for: 3_600, partitions: 16, arriving: arriving)
        let settled = simulation.changes.count
        simulation.run(for: 4 * 3_600, partitions: 16, arriving: arriving)
        #expect(simulation.changes.count == settled, "\(simulation.changes)")
        #expect(settled <= 5, "\(simulation.changes)")
        let load = rate / 10_000 / Double(simulation.meters.count)
        #expect(load < 0.85 && (simulation.meters.count == 1 || load > 0.3), "\(load)")
        #expect(simulation.lag == 0)
    }

    @Test func aDayGoesUpAndDownOnce() {
        var simulation = Simulation()
        // From a tenth of a process at night to four at noon, and back.
        simulation.run(for: 86_400, partitions: 16) { second in
            let hours = Double(second) / 3_600
            return 1_000 + 39_000 * max(0, 1 - abs(hours - 12) / 10)
        }
        let counts = [1] + simulation.changes.map(\.count)
        let peak = counts.max() ?? 0
        #expect((5...7).contains(peak), "\(counts)")
        let top = counts.firstIndex(of: peak) ?? 0
        #expect(counts[...top].elementsEqual(counts[...top].sorted()), "\(counts)")
        #expect(counts[top...].elementsEqual(counts[top...].sorted(by: >)), "\(counts)")
        #expect(counts.last == 1, "\(counts)")
    }

    @Test func aBacklogIsReadAndLeavesNobodyBehind() {
        var simulation = Simulation()
        simulation.lag = 50_000_000
        simulation.run(for: 2_400, partitions: 8) { _ in 5_000 }
        #expect(simulation.changes.map(\.count).max() == 8, "\(simulation.changes)")
        #expect(simulation.lag == 0)
        simulation.run(for: 3_600, partitions: 8) { _ in 5_000 }
        #expect(simulation.meters.count == 1, "\(simulation.changes)")
    }
}
