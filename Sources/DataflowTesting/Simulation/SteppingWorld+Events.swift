import Platform

/// What a plan drew.
extension SteppingWorld {
    /// Everything that the plan drew befalls it, in between some reading.
    package func befallAll() throws {
        for (number, event) in plan.events.enumerated() {
            if plan.strikesAtTheEnd, number == plan.events.count - 1 {
                let left = Int64(random.below(60))
                _ = wait(.seconds(100)) { self.progress >= self.length - left }
            } else {
                let goal = progress + Int64(random.below(2 * plan.records / (plan.events.count + 1)))
                _ = wait(.milliseconds(500)) { progress >= goal }
            }
            try befall(event)
        }
        guard !plan.lateEvents.isEmpty else { return }
        _ = wait(.seconds(100)) { isComplete }
        backUp()
        // What is read now, a restore takes back; nothing more comes of it that would tell.
        if plan.lateEvents.contains(.append) {
            log.append(plan.records, to: random.pick(log.keys))
        } else {
            log.appendAll()
        }
        _ = wait(.seconds(100)) { isComplete }
        for event in plan.lateEvents {
            if event == .append { log.append(20, to: random.pick(log.keys)) } else { try befall(event) }
            // Time enough to write, or not.
            scheduler.sleep(.milliseconds(random.below(event == .restore ? 20 : 3_000)))
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
