import Catalog

/// How many processes a topology calls for: `millrace_wanted_replicas`. A function of what `status` shows, so that every
/// process, and the command, say the same.
///
/// ```
///   work    = the loads of its processes, added up            1 is one process with no time left
///   backlog = processes that read in `catchUp` what waits     beyond what waits between commits anyway
///   more    when ⌈work / 0.7 + backlog⌉ is more than there are
///   fewer   when ⌈work / 0.5 + backlog⌉ is less
/// ```
///
/// Between the two nothing changes: with more, each is busy for 70 % of its time at most, and fewer would have to be
/// below 50 %; so a number that follows from a load is not taken back at that load.
///
/// A program that is waited for is work, since a process more brings programs of its own; where all processes together
/// could use as many permits of `cluster_concurrency` as there are, it brings none, and more are not asked for.
enum WantedReplicas {
    /// Above this share of its time a process is too busy.
    static let busyMax = 0.7
    /// Fewer processes are enough when each would still be less busy than this.
    static let busyCalm = 0.5
    /// What waits is to be read within this time, beside what comes.
    static let catchUp = 600.0
    /// Seconds of reading that always wait for the next commit, and mean nothing.
    static let ordinary = 30.0

    static func count(_ status: TopologyStatus) -> Int {
        guard status.wanted == Wanted.running.rawValue, status.state != .ended else { return 0 }
        let alive = status.instances.filter { $0.state != .lost }
        guard !alive.isEmpty else { return 1 }
        let loads = alive.compactMap(\.snapshot.load)
        let partitions = Set(
            alive.flatMap(\.snapshot.partitions).map {
                Partition(source: $0.source, topic: $0.topic, number: $0.partition)
            })
        let most = partitions.isEmpty ? alive.count : partitions.count
        // One that has just begun, or fails: what it will do is not known, so nothing is changed on account of it.
        guard loads.count == alive.count else { return min(alive.count, most) }
        let wanted = count(work: loads.reduce(0, +), rate: status.rate, lag: status.lag ?? 0, now: alive.count)
        return max(1, min(wanted, most, permitsAreUsedUp(alive.map(\.snapshot)) ? alive.count : .max))
    }

    /// Whether processes that there are have a use for all permits of a node.
    private static func permitsAreUsedUp(_ snapshots: [RunSnapshot]) -> Bool {
        var nodes: [String: (limit: Int, wish: Int)] = [:]
        for node in snapshots.flatMap(\.nodes) {
            guard let permits = node.permits else { continue }
            let before = nodes[node.name] ?? (0, 0)
            nodes[node.name] = (max(before.limit, permits.limit), before.wish + permits.wish)
        }
        return nodes.values.contains { $0.limit > 0 && $0.wish >= $0.limit }
    }

    private struct Partition: Hashable {
        var source: String
        var topic: String
        var number: Int32
    }

    /// - Parameters:
    ///   - work: processes' worth of work.
    ///   - rate: records a second, all processes together.
    ///   - lag: records that wait.
    ///   - now: processes that there are.
    static func count(work: Double, rate: Double, lag: Int64, now: Int) -> Int {
        // Something waits, and nothing of it is read: for a database that is away, say. What others would do is not known.
        guard rate > 0 || lag == 0 else { return now }
        var backlog = 0.0
        if work > 0, rate > 0 {
            let waiting = max(0, Double(lag) - rate * ordinary)
            backlog = waiting / (rate / work) / catchUp
        }
        // So many that no number of partitions is as large.
        func processes(_ busy: Double) -> Int { Int(min(1e6, (work / busy + backlog).rounded(.up))) }
        let (more, fewer) = (processes(busyMax), processes(busyCalm))
        return max(1, more > now ? more : min(fewer, now))
    }
}
