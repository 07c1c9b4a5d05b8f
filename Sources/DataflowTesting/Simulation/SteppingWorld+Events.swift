import Platform

/// What a plan drew.
extension SteppingWorld {
    /// Everything that the plan drew befalls it, in between some reading.
    package func befallAll() throws {
        for event in plan.events {
            let goal = progress + Int64(random.below(2 * plan.records / (plan.events.count + 1)))
            _ = wait(.milliseconds(500)) { progress >= goal }
            try befall(event)
        }
        guard !plan.lateEvents.isEmpty else { return }
        backUp()
        log.appendAll()
        _ = wait(.seconds(100)) { isComplete }
        for event in plan.lateEvents {
            try befall(event)
            scheduler.sleep(.milliseconds(random.below(3_000)))
        }
    }

    /// Something befalls it.
    package func befall(_ event: SteppingPlan.Event) throws {
        scheduler.note("event \(event)")
        switch event {
        case .move: try move()
        case .zombie: try makeZombie()
        case .takeover: try takeOver()
        case .backUp: backUp()
        case .restore: restore()
        case .freeze: freeze()
        case .stop: try stop()
        case .cancel: try cancel()
        case .kill: try kill()
        case .replaceLog: replaceLog()
        case .discard: order(.discard)
        case .ask: order(.ask)
        case .skip: order(.skip)
        case .append: append(100)
        }
    }
}
