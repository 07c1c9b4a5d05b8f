/// How a topology is, in all processes together: what the page knows of it at a moment.
package struct TopologyFigures: Sendable, Equatable {
    /// What it does, by how much it asks for a person.
    package enum Mood: Int, Sendable, Comparable {
        /// It failed, is refused, or nobody runs it.
        case broken
        /// It runs, and something is in its way.
        case troubled
        /// It is on the way from one state to another.
        case changing
        /// It does what is wanted.
        case well
        /// Paused, or ended: as wanted, and it does nothing.
        case resting

        package static func < (left: Mood, right: Mood) -> Bool { left.rawValue < right.rawValue }
    }

    /// A process that runs it.
    package struct Instance: Sendable, Equatable {
        package var daemon: String
        package var version: Int
        package var state: String
        package var reason: String
        /// Microseconds since 1970.
        package var since: Int64
        package var restarts: Int
        package var secondsSilent: Double
        package var isLost: Bool
        package var rate: Double
        package var memory: Int
        package var budget: Int

        package init(
            daemon: String, version: Int, state: String, reason: String, since: Int64, restarts: Int,
            secondsSilent: Double, isLost: Bool, rate: Double, memory: Int, budget: Int
        ) {
            self.daemon = daemon
            self.version = version
            self.state = state
            self.reason = reason
            self.since = since
            self.restarts = restarts
            self.secondsSilent = secondsSilent
            self.isLost = isLost
            self.rate = rate
            self.memory = memory
            self.budget = budget
        }
    }

    /// A partition, as the process that reads it says.
    package struct Partition: Sendable, Equatable {
        package var topic: String
        package var partition: Int32
        package var source: String
        package var owner: String
        package var next: Int64?
        package var committed: Int64?

        package init(
            topic: String, partition: Int32, source: String, owner: String, next: Int64?, committed: Int64?
        ) {
            self.topic = topic
            self.partition = partition
            self.source = source
            self.owner = owner
            self.next = next
            self.committed = committed
        }
    }

    package var name: String
    package var version: Int
    package var state: String
    package var mood: Mood
    /// What `why` says, the weightiest first.
    package var reasons: [String] = []
    package var wanted: String
    package var changedBy: String
    /// Microseconds since 1970.
    package var changedAt: Int64
    /// Records since the processes started it, and a second.
    package var records: Int64 = 0
    package var rate = 0.0
    package var lag: Int64?
    package var dead: Int64 = 0
    package var uncommitted: Int64 = 0
    /// Bytes held, and the budget.
    package var memory = 0
    package var budget = 0
    package var commitMilliseconds: Double?
    package var instances: [Instance] = []
    package var partitions: [Partition] = []
    package var troubles: [String] = []
    /// Between source and sink.
    package var nodes: [NodeFigures] = []
    /// By source.
    package var sourceLag: [String: Int64] = [:]
    /// Threads that run operators, in all processes.
    package var workers = 1
    /// Share of the time in which commits are on their way to the database.
    package var committing: Double?
    /// Microseconds since 1970 up to which all tables are complete, and how far that is behind now.
    package var completeTo: Int64?

    package init(
        name: String, version: Int, state: String, mood: Mood, wanted: String, changedBy: String, changedAt: Int64
    ) {
        self.name = name
        self.version = version
        self.state = state
        self.mood = mood
        self.wanted = wanted
        self.changedBy = changedBy
        self.changedAt = changedAt
    }

    /// Whether it reads, or would if nothing were in the way.
    package var isRunning: Bool { ["running", "waiting"].contains(state) }
    /// Whether it has come to rest, as wanted or not.
    package var isPaused: Bool { wanted == "paused" }
}

/// A node between source and sink, in all processes together.
package struct NodeFigures: Sendable, Equatable {
    package var name: String
    /// Records in and out since the start.
    package var entered: Int64 = 0
    package var left: Int64 = 0
    /// Groups written since the start.
    package var groups: Int64 = 0
    package var memory = 0
    /// Seconds of work since the start; nil when the process does not say.
    package var busySeconds: Double?
    /// Batches that wait in front of it; nil for a node that runs fused with the one before.
    package var waiting: Int?
    /// Records a second in and out, groups a second; nil when not known yet.
    package var entering: Double?
    package var leaving: Double?
    package var grouping: Double?
    /// Cores that it keeps busy.
    package var busy: Double?
    /// The permits that processes share for it: how many there are, and by process; nil when it shares none.
    package var permitsMax: Int?
    package var permits: [Permits] = []

    /// What a process has of them.
    package struct Permits: Sendable, Equatable {
        package var daemon: String
        package var held: Int
        package var used: Int
        /// How many it could use.
        package var wish: Int

        package init(daemon: String, held: Int, used: Int, wish: Int) {
            (self.daemon, self.held, self.used, self.wish) = (daemon, held, used, wish)
        }
    }

    package init(name: String) { self.name = name }
}

/// Rates, from what processes count since their start. Counts that fall, since a process has started anew, say nothing.
package struct RateMeter: Sendable {
    private struct Sample: Sendable {
        var time: Double
        var entered: Int64
        var left: Int64
        var groups: Int64
        var busy: Double?
        var rates: NodeFigures
    }
    private struct Key: Hashable {
        var topology: String
        var node: String
    }

    private var samples: [Key: Sample] = [:]

    package init() {}

    /// Puts rates into nodes.
    /// - Parameter time: seconds, when their process said so.
    package mutating func measure(_ nodes: [NodeFigures], of topology: String, at time: Double) -> [NodeFigures] {
        nodes.map { node in
            let key = Key(topology: topology, node: node.name)
            guard let last = samples[key] else {
                samples[key] = Sample(
                    time: time, entered: node.entered, left: node.left, groups: node.groups, busy: node.busySeconds,
                    rates: NodeFigures(name: node.name))
                return node
            }
            var rated = node
            let span = time - last.time
            // Processes report once a second; the same report once more says nothing.
            guard span > 0.5 else {
                (rated.entering, rated.leaving) = (last.rates.entering, last.rates.leaving)
                (rated.grouping, rated.busy) = (last.rates.grouping, last.rates.busy)
                return rated
            }
            if node.entered >= last.entered {
                rated.entering = Double(node.entered - last.entered) / span
                rated.leaving = Double(max(0, node.left - last.left)) / span
                rated.grouping = Double(max(0, node.groups - last.groups)) / span
                if let now = node.busySeconds, let before = last.busy { rated.busy = max(0, now - before) / span }
            }
            samples[key] = Sample(
                time: time, entered: node.entered, left: node.left, groups: node.groups, busy: node.busySeconds,
                rates: rated)
            return rated
        }
    }

    /// Forgets topologies that are gone.
    package mutating func keep(_ topologies: Set<String>) {
        samples = samples.filter { topologies.contains($0.key.topology) }
    }
}
