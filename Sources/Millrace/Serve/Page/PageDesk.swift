import Catalog
import Foundation
import WebAPI
import WebPage

/// Shows the page: keeps how all topologies are, with what they were over time, and asks the catalogue for the rest.
///
/// Used by the desk's thread. It looks once a second, whether or not somebody sees the page, so that whoever opens it
/// finds the last quarter of an hour there.
struct PageDesk: ~Copyable {
    /// Between two looks.
    static let look = Duration.seconds(1)
    /// Between two looks while the catalogue is away.
    static let lookAway = Duration.seconds(5)
    /// Between two looks at how complete the tables are: they change with commits.
    private static let freshness = Duration.seconds(3)

    private var topologies: [TopologyFigures] = []
    private var process = ProcessFigures()
    private var history = PageHistory()
    private var meter = RateMeter()
    private var completeTo: [String: Int64] = [:]
    private var nextFreshness = ContinuousClock.now
    private var epochs: [String: (epochs: Int64, time: Double)] = [:]
    private var committing: [String: Double] = [:]
    private var library = PortraitLibrary()
    private let jobs: PageJobs

    init(_ jobs: PageJobs) { self.jobs = jobs }

    /// Takes how all is at this second.
    mutating func look(_ catalog: inout Catalog) throws {
        let statuses = try TopologyStatus.all(&catalog)
        process.processes = try catalog.daemons().map {
            .init(
                name: $0.name, program: $0.program, memoryBytes: $0.memoryBytes, secondsSilent: $0.secondsSilent,
                isLost: $0.isLost)
        }
        if .now >= nextFreshness {
            completeTo = try catalog.completeness()
            nextFreshness = .now + Self.freshness
        }
        let now = Date.now.timeIntervalSince1970
        topologies = statuses.map { figures($0, at: now) }
        meter.keep(Set(topologies.map(\.name)))
        epochs = epochs.filter { name, _ in topologies.contains { $0.name == name } }
        history.record(topologies, second: Int(now))
        process.failure = nil
    }

    /// The catalogue cannot be asked.
    mutating func lose(_ reason: String) {
        process.failure =
            "The catalogue's database cannot be asked; what runs goes on, and these figures are old: \(reason)"
    }

    private mutating func figures(_ status: TopologyStatus, at now: Double) -> TopologyFigures {
        var figures = TopologyFigures(status)
        let alive = status.instances.filter { $0.state != .lost }
        let reported = now - (alive.map(\.secondsSilent).max() ?? 0)
        figures.nodes = meter.measure(figures.nodes, of: status.topology, at: reported)
        figures.completeTo = completeTo[status.topology]
        let count = alive.reduce(0) { $0 + $1.snapshot.epochs }
        if let last = epochs[status.topology], reported - last.time > 0.5 {
            let commits = Double(max(0, count - last.epochs)) / (reported - last.time)
            let share = commits * (figures.commitMilliseconds ?? 0) / 1_000 / Double(max(1, alive.count))
            // Commits are few: smoothed over some of them.
            committing[status.topology] = (committing[status.topology] ?? share) * 0.8 + share * 0.2
            epochs[status.topology] = (count, reported)
        } else if epochs[status.topology] == nil {
            epochs[status.topology] = (count, reported)
        }
        figures.committing = committing[status.topology]
        return figures
    }

    /// A view, or what is left to be read for it.
    enum Showing {
        case answer(HTTPResponse)
        case reading(ReadingDesk.Reading)
    }

    /// A view.
    /// - Throws: `PostgresError` when the catalogue cannot be asked.
    mutating func show(_ request: PageRequest, _ catalog: inout Catalog) throws -> Showing {
        if request.view != .overview, !topologies.contains(where: { $0.name == request.topology }),
            try catalog.deployments().contains(where: { $0.topology == request.topology })
        {
            // Deployed since the last second.
            try look(&catalog)
        }
        guard let topology = topologies.first(where: { $0.name == request.topology }) else {
            return .answer(try showNow(request, &catalog))
        }
        switch request.view {
        case .tables:
            let tables = try library.find(topology, &catalog)?.tables ?? []
            return .reading { catalog, deadline in
                let page = try PageTables(request, topology, tables, before: deadline).page(&catalog)
                return { viewer in page.seen(by: viewer).markup }
            }
        case .deadLetters:
            return .reading { [jobs] catalog, deadline in
                let page = try PageLetters(request, topology).page(&catalog, before: deadline)
                return { viewer in
                    page.seen(by: viewer).beside(jobs.last(topology.name, isReplay: true)).markup
                }
            }
        default: return .answer(try showNow(request, &catalog))
        }
    }

    private mutating func showNow(_ request: PageRequest, _ catalog: inout Catalog) throws -> HTTPResponse {
        guard request.view != .overview else { return overview(request) }
        guard let topology = topologies.first(where: { $0.name == request.topology }) else { return unknown(request) }
        switch request.view {
        case .overview: return overview(request)
        case .topology:
            let portrait = try library.find(topology, &catalog)?.portrait
            return .page(
                TopologyPage(request: request, topology: topology, portrait: portrait, history: history).markup)
        case .partitions:
            let stored = try catalog.partitions(of: topology.name).map(PartitionsPage.Stored.init)
            return .page(PartitionsPage(request: request, topology: topology, stored: stored).markup)
        case .why:
            let log = try catalog.log(of: topology.name, count: 50).map(WhyPage.Line.init)
            return .page(WhyPage(request: request, topology: topology, log: log).markup)
        case .tables, .deadLetters: preconditionFailure("these are read by the other desk")
        case .changes:
            return .page(
                try PageChanges(request, topology, jobs.last(topology.name, isReplay: false)).page(&catalog).markup)
        }
    }

    /// A view while the catalogue is away: what is known of before.
    func showOld(_ request: PageRequest) -> HTTPResponse {
        guard request.view != .overview, let topology = topologies.first(where: { $0.name == request.topology }) else {
            return overview(request)
        }
        switch request.view {
        case .topology, .overview:
            let portrait = library.known(topology)?.portrait
            let page = TopologyPage(
                request: request, topology: topology, portrait: portrait, history: history, warning: process.failure)
            return .page(page.markup)
        case .why:
            return .page(
                WhyPage(request: request, topology: topology, log: nil, warning: process.failure).markup)
        case .partitions, .tables, .deadLetters, .changes:
            return .page(AwayPage(request: request, topology: topology, failure: process.failure).markup)
        }
    }

    private func overview(_ request: PageRequest) -> HTTPResponse {
        .page(
            OverviewPage(request: request, topologies: topologies, history: history, process: process).markup)
    }

    private func unknown(_ request: PageRequest) -> HTTPResponse {
        PageAnswer.failure(
            404, "No such topology", "Nothing is deployed under the name \(request.topology), or not any more.")
    }

    /// Does something.
    /// - Throws: `CatalogError`, `PostgresError`.
    mutating func act(_ action: PageAction, _ catalog: inout Catalog) throws -> HTTPResponse {
        let (name, person) = (action.topology, "page@\(ProcessInfo.processInfo.hostName)")
        var view = PageView.topology
        switch action.kind {
        case .pause: _ = try Pause.change(name, &catalog, person)
        case .resume: _ = try Resume.change(name, &catalog, person)
        case .restart: _ = try Restart.change(name, &catalog, person)
        case .discard:
            guard let choice = PageLetters.choice(action.form, of: name) else {
                return PageAnswer.failure(400, "Which dead letters?", "The form names no cause.")
            }
            _ = try catalog.discard(choice)
            view = .deadLetters
        case .promote, .rollback, .replay:
            guard let job = PageJobs.Job(action) else {
                return PageAnswer.failure(
                    400, "What is to be changed?", "The form names no version, and no cause of letters.")
            }
            guard try jobs.start(job, by: person) else {
                return PageAnswer.failure(
                    409, "Something is under way already", "Wait until the change before has come to an end.")
            }
            view = action.kind == .replay ? .deadLetters : .changes
        }
        // What is shown next is how it is after this.
        try look(&catalog)
        return PageAnswer.goTo(view, of: name, said: action.kind.rawValue)
    }
}

extension HTTPResponse {
    static func page(_ markup: HTML) -> HTTPResponse { PageAnswer.html(markup) }
}

extension TopologyFigures {
    /// What the page shows of a status.
    init(_ status: TopologyStatus) {
        let why = Why.answer(status)
        let mood: Mood =
            if status.state.isBroken {
                .broken
            } else if [.paused, .ended].contains(status.state) {
                .resting
            } else {
                switch status.state {
                case .running: .well
                case .waiting: .troubled
                default: .changing
                }
            }
        self.init(
            name: status.topology, version: status.version, state: status.state.rawValue, mood: mood,
            wanted: status.wanted, changedBy: status.changedBy, changedAt: Self.microseconds(status.changedAt))
        reasons = why.reasons.map(Redaction.redacted)
        (records, rate, lag, dead) = (status.records, status.rate, status.lag, status.dead)
        let alive = status.instances.filter { $0.state != .lost }
        for instance in alive { take(instance) }
        instances = status.instances.map { one in
            Instance(
                daemon: one.daemon, version: one.version, state: one.state.rawValue,
                reason: Redaction.redacted(one.reason), since: Self.microseconds(one.since), restarts: one.restarts,
                secondsSilent: one.secondsSilent, isLost: one.state == .lost, rate: one.snapshot.rate,
                memory: one.snapshot.memory, budget: one.snapshot.budget)
        }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        workers = max(1, (status.settings.workers ?? cores) * max(1, alive.count))
    }

    private mutating func take(_ instance: TopologyStatus.Instance) {
        let snapshot = instance.snapshot
        uncommitted += snapshot.uncommitted
        memory += snapshot.memory
        budget += snapshot.budget
        commitMilliseconds = [commitMilliseconds, snapshot.commitMilliseconds].compactMap(\.self).max()
        troubles += snapshot.troubles.map(Redaction.redacted)
        for source in snapshot.sources {
            if let lag = source.lag { sourceLag[source.name, default: 0] += lag }
        }
        for node in snapshot.nodes {
            let index = nodes.firstIndex { $0.name == node.name } ?? nodes.endIndex
            if index == nodes.endIndex { nodes.append(NodeFigures(name: node.name)) }
            nodes[index].entered += node.entered
            nodes[index].left += node.left
            nodes[index].groups += node.groups
            nodes[index].memory += node.memory
            if let busy = node.busySeconds { nodes[index].busySeconds = (nodes[index].busySeconds ?? 0) + busy }
            if let permits = node.permits {
                nodes[index].permitsMax = permits.limit
                nodes[index].permits.append(
                    .init(daemon: instance.daemon, held: permits.held, used: permits.used, wish: permits.wish))
            }
            if let waiting = node.waiting { nodes[index].waiting = max(nodes[index].waiting ?? 0, waiting) }
        }
        partitions += snapshot.partitions.filter(\.isOurs).map {
            Partition(
                topic: $0.topic, partition: $0.partition, source: $0.source, owner: instance.daemon, next: $0.next,
                committed: $0.committed)
        }
    }

    private static func microseconds(_ moment: String) -> Int64 {
        (try? Date(moment, strategy: .iso8601)).map { Int64($0.timeIntervalSince1970 * 1e6) } ?? 0
    }
}

extension PartitionsPage.Stored {
    fileprivate init(_ record: Catalog.PartitionRecord) {
        self.init(
            topic: record.topic, partition: record.partition, owner: record.owner, next: record.next, end: record.end,
            eventTime: record.eventTime, committedAt: record.committedAt)
    }
}

extension WhyPage.Line {
    fileprivate init(_ line: LogLine) {
        let text = line.details.isEmpty ? line.message : "\(line.message): \(line.details)"
        self.init(at: line.at, level: line.level, daemon: line.daemon, text: Redaction.redacted(text))
    }
}
