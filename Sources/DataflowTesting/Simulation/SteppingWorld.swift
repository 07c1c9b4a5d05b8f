import Dataflow
import Platform

/// A log, a database and some processes, and everything that can befall them, each a call of one line. Used by one thread
/// of the simulation, its director.
///
/// `@unchecked Sendable`: made before the simulation, then the director's.
package final class SteppingWorld: @unchecked Sendable {
    let scheduler: SteppingScheduler
    let log: SteppingLog
    let database: ModelDatabase
    let checker: SteppingChecker
    let plan: SteppingPlan
    private(set) var instances: [SteppingInstance] = []
    var random: SeededRandom
    /// Which process the group says reads a partition.
    private var readers: [PartitionKey: Int] = [:]
    /// Processes that were stopped, cancelled or killed.
    private var stopped: Set<Int> = []
    private var killed: Set<Int> = []
    private var isReplaced = false
    private var hasBackup = false
    private let foreigner: ModelTarget

    init(_ plan: SteppingPlan, scheduler: SteppingScheduler) {
        self.plan = plan
        self.scheduler = scheduler
        random = SeededRandom(seed: SeededRandom.mix(plan.seed ^ 0xd1ce))
        log = SteppingLog(
            partitions: plan.partitions, records: plan.records / plan.partitions, &random, available: plan.available,
            tombstones: plan.tombstones, refusesTheLast: plan.refusesTheLast)
        let checker = SteppingChecker(log, refuses: plan.refuses, tallies: plan.shape.tallies)
        self.checker = checker
        database = ModelDatabase { checker.audit($0, isCommitted: $1) }
        foreigner = ModelTarget(
            database: database, seed: plan.seed, faults: .init(), owner: "foreigner", flaw: .none,
            refusals: Refusals(areOn: false), scheduler: scheduler)
    }

    /// What a script finds wrong.
    package func expect(_ isRight: Bool, _ finding: String) { checker.expect(isRight, finding) }

    // MARK: Processes

    /// Starts a process; it reads nothing yet, unless it reads files.
    package func start() throws {
        let number = instances.count
        let count = plan.sources
        let seed = SeededRandom.mix(plan.seed &* 131 &+ UInt64(number))
        let sources = (0..<count).map { index in
            var style = plan.style
            if plan.readsFiles { style.files = log.keys.filter { Int($0.partition) % count == index } }
            return SteppingSource(log, style, seed: seed &+ UInt64(index), scheduler: scheduler)
        }
        let refusals = Refusals(areOn: plan.refuses)
        let target = ModelTarget(
            database: database, seed: SeededRandom.mix(seed), faults: plan.faults, owner: "process \(number)",
            flaw: plan.flaw, refusals: refusals, scheduler: scheduler)
        let instance = SteppingInstance(
            "process \(number)", sources: sources, target: target, refusals: refusals, shape: plan.shape,
            scheduler: scheduler)
        instances.append(instance)
        try instance.start()
    }

    private func source(of key: PartitionKey, in number: Int) -> SteppingSource {
        instances[number].sources[Int(key.partition) % plan.sources]
    }

    /// Running processes that can do something.
    private var living: [Int] {
        instances.indices.filter { instances[$0].isRunning && !stopped.contains($0) }
    }

    private func anyone(but number: Int? = nil) throws -> Int {
        let others = living.filter { $0 != number }
        if let other = others.isEmpty ? nil : random.pick(others) { return other }
        try start()
        return instances.count - 1
    }

    // MARK: What befalls them

    /// The group assigns everything.
    package func assignAll() throws {
        for key in log.keys { try assign(key, to: random.pick(living)) }
    }

    /// The group tells every process that everything is its own.
    package func assignAllToAll() throws {
        for number in living { for key in log.keys { try assign(key, to: number) } }
    }

    /// How often a partition was claimed.
    package var claims: Int { database.claims }

    private func assign(_ key: PartitionKey, to number: Int) throws {
        readers[key] = number
        source(of: key, in: number).give(.assign([key]))
    }

    /// A partition moves in good order: the new reader comes after the old one has given it back.
    package func move() throws {
        let key = random.pick(log.keys)
        guard let old = readers[key] else { return }
        source(of: key, in: old).give(.revoke([key]))
        _ = wait(.seconds(20)) { self.source(of: key, in: old).isObedient || !self.instances[old].isRunning }
        try assign(key, to: try anyone(but: old))
    }

    /// A partition has a new reader before the old one knows.
    package func makeZombie() throws {
        let key = random.pick(log.keys)
        guard let old = readers[key] else { return }
        try assign(key, to: try anyone(but: old))
        scheduler.sleep(.milliseconds(random.below(200)))
        source(of: key, in: old).give(.lose([key]))
    }

    /// A process of another group claims partitions, reads nothing and is never heard of again.
    package func takeOver() throws {
        let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })
        _ = try foreigner.claim(log.keys.filter { _ in random.chance(50) }, origin: nil, context)
    }

    /// The database is copied.
    package func backUp() {
        guard !isReplaced else { return }
        scheduler.note("a backup")
        database.backUp()
        hasBackup = true
    }

    /// The database goes back to the last copy, owner epochs and all.
    package func restore() {
        guard !isReplaced, hasBackup else { return }
        scheduler.note("a restore")
        database.restore()
        hasBackup = false
    }

    /// A process stands still, all of it, and then goes on as if nothing had been.
    package func freeze() {
        guard let number = living.randomElement(using: &random) else { return }
        scheduler.freeze(instances[number].crew, for: .milliseconds(random.below(20_000)))
    }

    /// A process is stopped.
    package func stop() throws { try remove { $0.pipeline.stop() } }

    /// A process is stopped, and nobody wants to wait for it.
    package func cancel() throws {
        try remove { instance in
            instance.pipeline.cancel()
            _ = self.wait(.seconds(60)) { !self.scheduler.isFrozen(instance.crew) }
            // Two seconds, whatever hangs; not measured to the millisecond, for others run too.
            let hasReturned = self.wait(.seconds(5)) { !instance.isRunning }
            self.checker.expect(hasReturned, "a cancelled process has not returned in time")
        }
    }

    /// A process is killed: none of its threads goes on. (They do at the end of all, and must do no harm.)
    package func kill() throws {
        guard let number = living.randomElement(using: &random) else { return }
        killed.insert(number)
        try remove(number) { self.scheduler.freeze($0.crew) }
    }

    private func remove(_ body: (SteppingInstance) -> Void) throws {
        guard let number = living.randomElement(using: &random) else { return }
        try remove(number, body)
    }

    private func remove(_ number: Int, _ body: (SteppingInstance) -> Void) throws {
        stopped.insert(number)
        body(instances[number])
        if random.chance(50) {
            _ = wait(.seconds(20)) { !self.instances[number].isRunning || self.killed.contains(number) }
        }
        if plan.readsFiles || random.chance(50) { try start() }
        for key in log.keys where readers[key] == number { try assign(key, to: try anyone()) }
    }

    /// A topic is deleted and made again.
    /// - Parameter records: how many the new one has; some number unless given.
    package func replaceLog(records: Int? = nil) {
        guard !isReplaced else { return }
        isReplaced = true
        let key = random.pick(log.keys)
        scheduler.note("\(key) is replaced")
        log.replace(key, records: records ?? 1 + random.below(2 * plan.records / plan.partitions), &random)
    }

    /// Some more records can be read.
    package func append(_ count: Int) { log.append(count) }

    /// A source does something of its own accord.
    package func order(_ order: SteppingSource.Order) {
        guard let number = living.randomElement(using: &random) else { return }
        if case .skip = order { instances[number].isFaulty = true }
        random.pick(instances[number].sources).give(order)
    }

    // MARK: Time

    /// Waits until something holds, by the simulation's clock. Meanwhile a person looks after partitions that stand still.
    /// - Returns: whether it did hold in time.
    package func wait(_ limit: Duration, until condition: () -> Bool) -> Bool {
        let end = scheduler.time + limit
        var pause = Duration.milliseconds(1)
        while !condition() {
            guard scheduler.time < end else { return false }
            lookAfterHalted()
            scheduler.sleep(pause)
            pause = min(pause * 2, .milliseconds(200))
        }
        return true
    }

    private func lookAfterHalted() {
        for key in Set(living.flatMap { instances[$0].sources.flatMap(\.halted) }).sorted() {
            guard log.present(key) > 0 else {
                checker.find("\(key) was halted although its log is the one it was")
                continue
            }
            if !log.holds(database.tail(of: key), of: key, at: database.positions[key] ?? 0) {
                scheduler.note("a person accepts the new log of \(key)")
                database.accept(key)
            }
        }
    }

    /// Records in the tables.
    package var progress: Int64 { database.positions.values.reduce(0, +) }

    /// Records read and not in the tables, as the processes say.
    package var uncommitted: Int64 { instances.reduce(0) { $0 + $1.pipeline.progress().uncommitted } }

    /// Records there are to be read.
    var length: Int64 { log.keys.reduce(0) { $0 + log.end(of: $1) } }

    /// Whether everything is in the tables.
    package var isComplete: Bool {
        let positions = database.positions
        return log.keys.allSatisfy { positions[$0] == log.end(of: $0) }
            && living.allSatisfy { instances[$0].sources.allSatisfy(\.halted.isEmpty) }
    }

    /// Files that were read to their ends are read again when the database has gone back since.
    func restartIfEnded() throws {
        guard plan.readsFiles, living.isEmpty else { return }
        try start()
    }

    // MARK: The end

    /// Stops what is left, and judges.
    func end() {
        for number in living { instances[number].pipeline.stop() }
        _ = wait(.seconds(600)) {
            self.instances.indices.allSatisfy { !self.instances[$0].isRunning || self.killed.contains($0) }
        }
        // What was killed, or hung, comes back to life and finds that it is too late.
        for number in killed.sorted() {
            scheduler.thaw(instances[number].crew)
            instances[number].pipeline.cancel()
        }
        _ = wait(.seconds(600)) { self.instances.allSatisfy { !$0.isRunning } }
        // Calls that were given up come back.
        scheduler.sleep(.seconds(120))
        checker.check(database)
        // A commit that a restore undid, or that came after its process had been given up, nobody or somebody twice has booked.
        if database.restores == 0, !plan.hasGivenUp { checker.check(instances, against: database) }
        for (number, instance) in instances.enumerated() {
            checker.check(instance, isOrderly: !stopped.contains(number))
        }
    }
}
