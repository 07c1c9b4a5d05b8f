/// What a topology is to do.
package enum Wanted: String, Sendable, Codable {
    case running
    case paused
}

/// What was changed about a topology's run without changing its file.
package struct RunSettings: Sendable, Codable, Equatable {
    /// Threads that run operators, in each process.
    package var workers: Int?
    /// The memory budget in bytes, in each process.
    package var memoryBytes: Int?
    /// Permits by node, in each process.
    package var concurrency: [String: Int]?
    /// Permits by node, in all processes together. What runs takes them up as it goes.
    package var clusterConcurrency: [String: Int]?

    package init(
        workers: Int? = nil, memoryBytes: Int? = nil, concurrency: [String: Int]? = nil,
        clusterConcurrency: [String: Int]? = nil
    ) {
        self.workers = workers
        self.memoryBytes = memoryBytes
        self.concurrency = concurrency
        self.clusterConcurrency = clusterConcurrency
    }

    /// These settings with what `newer` says in their place.
    package func updated(with newer: RunSettings) -> RunSettings {
        RunSettings(
            workers: newer.workers ?? workers, memoryBytes: newer.memoryBytes ?? memoryBytes,
            concurrency: newer.concurrency.map { (concurrency ?? [:]).merging($0) { $1 } } ?? concurrency,
            clusterConcurrency: newer.clusterConcurrency.map { (clusterConcurrency ?? [:]).merging($0) { $1 } }
                ?? clusterConcurrency)
    }

    /// Whether what runs must begin again to take up other settings.
    func needsRestart(for other: RunSettings) -> Bool {
        var other = other
        other.clusterConcurrency = clusterConcurrency
        return other != self
    }
}

/// A version of a topology: its file as it was deployed.
package struct TopologyVersion: Sendable, Equatable {
    package var topology: String
    /// Counts from 1.
    package var version: Int
    /// The file's text, variables as written.
    package var file: String
    /// SHA-256 of the text, in hexadecimal digits.
    package var digest: String
    /// What whoever deployed it had to say.
    package var note: String
    /// Whether tables that lack what was read before are accepted at its first start.
    package var acceptsGaps: Bool
    package var deployedBy: String
    /// Microseconds since 1970.
    package var deployedAt: Int64
}

/// A topology that is deployed: which version of it is to run, and how.
package struct Deployment: Sendable, Equatable {
    package var topology: String
    package var version: Int
    package var wanted: Wanted
    /// Rises with every change and with every restart that is asked for.
    package var generation: Int64
    package var settings: RunSettings
    package var changedBy: String
    /// Microseconds since 1970.
    package var changedAt: Int64
    /// The command that has it paused until it is done with it, such as `rename`; empty when it runs, or a person paused it.
    package var pausedFor: String
    /// Seconds since it was changed, by the database's clock, when it was read.
    package var secondsSinceChange: Double

    /// Whether it was changed so lately that what has not come of it yet is on its way.
    package var isUnderWay: Bool {
        secondsSinceChange < (pausedFor.isEmpty ? CatalogLimits.changeTime : CatalogLimits.commandTime)
    }

    /// What a change of it is decided on.
    package var base: DeploymentBase { DeploymentBase(version: version, generation: generation) }

    /// What is wanted of it when no command is at it.
    package var intended: Wanted { pausedFor.isEmpty ? wanted : .running }

    package init(
        topology: String, version: Int, wanted: Wanted, generation: Int64, settings: RunSettings, changedBy: String,
        changedAt: Int64, pausedFor: String = "", secondsSinceChange: Double = .infinity
    ) {
        self.topology = topology
        self.version = version
        self.wanted = wanted
        self.generation = generation
        self.settings = settings
        self.changedBy = changedBy
        self.changedAt = changedAt
        self.pausedFor = pausedFor
        self.secondsSinceChange = secondsSinceChange
    }
}

/// What is deployed of a topology at a moment: what a change was decided on.
package struct DeploymentBase: Sendable, Codable, Equatable {
    /// 0 when nothing is.
    package var version: Int
    package var generation: Int64

    package init(version: Int, generation: Int64) {
        self.version = version
        self.generation = generation
    }
}

/// What a process that runs topologies says of one of them.
package struct TopologyState: Sendable, Equatable {
    /// What a topology does in a process.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Looks at its database and joins its group.
        case starting
        /// Reads and commits.
        case running
        /// Told to stop; commits what it has read.
        case stopping
        /// Paused by a person.
        case paused
        /// Its sources have ended, and all is committed.
        case ended
        /// Something stopped it; it is tried again.
        case failed
        /// Its file cannot be run here; nothing is tried until that changes.
        case refused
        /// Processes died of it time and again; nothing is tried until a person says so.
        case held
    }

    package var topology: String
    package var daemon: String
    package var version: Int
    package var generation: Int64
    package var kind: Kind
    /// Why it failed or was refused, or what it waits for.
    package var reason: String
    /// Microseconds since 1970.
    package var since: Int64
    /// Starts after failures, since the last change.
    package var restarts: Int
    package var snapshot: RunSnapshot
    /// Seconds since the process said so.
    package var secondsSilent: Double

    package init(
        topology: String, daemon: String, version: Int, generation: Int64, kind: Kind, reason: String, since: Int64,
        restarts: Int, snapshot: RunSnapshot, secondsSilent: Double = 0
    ) {
        self.topology = topology
        self.daemon = daemon
        self.version = version
        self.generation = generation
        self.kind = kind
        self.reason = reason
        self.since = since
        self.restarts = restarts
        self.snapshot = snapshot
        self.secondsSilent = secondsSilent
    }

    /// Whether its process has been silent for so long that it counts as gone.
    package var isLost: Bool { secondsSilent > CatalogLimits.daemonSilence }
}

/// A process that runs topologies.
package struct DaemonRecord: Sendable, Equatable {
    /// Names it: `host/process:mark`.
    package var name: String
    /// The program's version.
    package var program: String
    /// The memory that its topologies may take together, in bytes.
    package var memoryBytes: Int
    /// Microseconds since 1970.
    package var startedAt: Int64
    package var secondsSilent: Double

    package init(name: String, program: String, memoryBytes: Int, startedAt: Int64, secondsSilent: Double) {
        self.name = name
        self.program = program
        self.memoryBytes = memoryBytes
        self.startedAt = startedAt
        self.secondsSilent = secondsSilent
    }

    /// Whether it has been silent for so long that it counts as gone.
    package var isLost: Bool { secondsSilent > CatalogLimits.daemonSilence }
}

/// The bounds of the catalogue, each with its unit.
package enum CatalogLimits {
    /// Seconds between two signs of life of a process.
    package static let report = 3.0
    /// Seconds of silence after which it is said that a process is silent.
    package static let daemonPause = 8.0
    /// Seconds of silence after which a process counts as gone.
    package static let daemonSilence = 20.0
    /// Seconds after which what a process left behind is removed.
    static let forgotten = 86_400.0
    /// Seconds for which the death of a process counts against the topology that it died of.
    package static let crashMemory = 3_600.0
    /// Lines of the log that are kept per topology.
    static let logLines = 2_000
    /// Bytes of a topology file.
    static let fileBytes = 4 << 20
    /// Seconds of silence after which a replay of dead letters counts as gone, as an instance of a topology does.
    static let replaySilence = 15.0
    /// Seconds for which what is changing on behalf of somebody is as it should be: as long as commands wait for it.
    static let changeTime = 30.0
    /// Seconds for which a command may have a topology paused until it counts as killed: `promote` may stop two topologies
    /// in 30 s each, wait for the rebuild for a minute in between, and for locks at the end.
    static let commandTime = 150.0
    /// Seconds that a change of tables waits for those who hold them.
    static let tableLock = 10
}
