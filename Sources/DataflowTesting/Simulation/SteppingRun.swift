import Platform

/// Runs simulations.
package enum SteppingRun {
    /// What came out.
    package struct Report: Sendable {
        /// What is wrong, nothing when all is well.
        package var findings: [String]
        /// Tells runs apart.
        package var fingerprint: UInt64
        /// What happened, if it was to be kept.
        package var trace: [String]
        /// How many steps it took.
        package var steps: Int
        /// How long it took, by its own clock.
        package var time: Duration
        /// Epochs committed, and how many were dropped.
        package var events: [String]
    }

    /// Runs what a plan says.
    /// - Parameter script: what befalls the world while its processes run; what the plan drew unless given. Afterwards the log
    ///   is read to its end, whatever happened.
    package static func run(
        _ plan: SteppingPlan, isTraced: Bool = false,
        script: @escaping @Sendable (SteppingWorld) throws -> Void = { try $0.befallAll() }
    ) -> Report {
        let scheduler = SteppingScheduler(seed: plan.seed, isTraced: isTraced)
        let world = SteppingWorld(plan, scheduler: scheduler)
        var findings: [String] = []
        do {
            let ending = try scheduler.run("director") {
                do { try direct(world, script) } catch { world.checker.find("the director: \(error)") }
            }
            switch ending {
            case .finished: break
            case .stuck(let report): findings.append("stuck \(report)")
            case .endless(let report): findings.append("endless \(report)")
            }
        } catch {
            findings.append("\(error)")
        }
        return Report(
            findings: findings + world.checker.findings, fingerprint: scheduler.fingerprint, trace: scheduler.trace,
            steps: scheduler.steps, time: scheduler.time, events: plan.events.map { "\($0)" })
    }

    private static func direct(_ world: SteppingWorld, _ script: (SteppingWorld) throws -> Void) throws {
        for _ in 0..<world.plan.processes { try world.start() }
        if !world.plan.readsFiles { try world.assignAll() }
        try script(world)
        world.log.appendAll()
        let isComplete = world.wait(.seconds(1_000)) {
            if world.isComplete { return true }
            do { try world.restartIfEnded() } catch { world.checker.find("\(error)") }
            return false
        }
        world.checker.expect(isComplete, "the end of the log was not reached: \(world.database.positions)")
        world.end()
    }
}
