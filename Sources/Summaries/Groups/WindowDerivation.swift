import Platform

/// Makes the groups of all windows of groups that were counted by pane.
struct WindowDerivation {
    private let panes: SetGroups
    private let windows: [any WindowFunction]

    /// - Parameter panes: groups by pane; they may become those of a window.
    init(_ panes: SetGroups) {
        self.panes = panes
        windows = panes.plan.windows.map(\.function)
    }

    /// The groups by window, in the order of the plan's windows. Panes that became no window's groups are released.
    func run() -> [SetGroups] {
        var made: [Int: SetGroups] = [:]
        // Windows of a length, in whose windows others may lie, the finest first.
        var finer: [(groups: SetGroups, length: Int64)] = []
        var isPanesTaken = false
        for position in order {
            let function = windows[position]
            let source = finer.last { Self.fits($0.groups, $0.length, in: function) }?.groups ?? panes
            if source === panes, !isPanesTaken, areWindows(of: function) {
                panes.become(window: position)
                isPanesTaken = true
                made[position] = panes
            } else {
                made[position] = Self.groups(ofWindow: position, from: source)
            }
            if let length = function.windowLength, let groups = made[position] { finer.append((groups, length)) }
        }
        if !isPanesTaken { panes.release() }
        return windows.indices.map { position in
            guard let groups = made[position] else { preconditionFailure("every window was made") }
            return groups
        }
    }

    /// Windows of a length first, the shortest of them at the beginning.
    private var order: [Int] {
        windows.indices.sorted { left, right in
            (windows[left].windowLength ?? .max, left) < (windows[right].windowLength ?? .max, right)
        }
    }

    /// Whether each pane that has records is a window.
    private func areWindows(of function: any WindowFunction) -> Bool {
        guard function.windowsPerPane == 1, !panes.hasHiddenZone else { return false }
        return Self.all(panes) { start, zone in function.pane(of: start, in: zone).start == start }
    }

    /// Whether each window of a length that has records lies in one pane of a function.
    private static func fits(_ groups: SetGroups, _ length: Int64, in function: any WindowFunction) -> Bool {
        guard function.zoneField == nil else { return false }
        return all(groups) { start, zone in function.pane(of: start, in: zone).contains(start, length: length) }
    }

    /// Whether something is so for the starts of all groups; each is asked once, for each zone.
    private static func all(_ groups: SetGroups, _ isSo: (Int64, TimeZoneRules) -> Bool) -> Bool {
        var seen: Set<UInt64> = []
        var last: UInt64?
        for group in 0..<groups.groupCount {
            let key = UInt64(groups.startID(ofGroup: group)) | UInt64(groups.zoneID(ofGroup: group)) << 32
            if key == last { continue }
            last = key
            guard seen.insert(key).inserted, let start = groups.windowStart(ofGroup: group) else { continue }
            guard isSo(start, groups.zone(ofGroup: group) ?? .utc) else { return false }
        }
        return true
    }

    /// The groups of one window, made of others by merging.
    private static func groups(ofWindow position: Int, from source: SetGroups) -> SetGroups {
        let plan = source.plan
        let function = plan.windows[position].function
        let groups = SetGroups(
            plan, source.set, window: position, metrics: plan.metrics, dictionary: source.dictionary)
        for number in 0..<function.windowsPerPane {
            // The window of each pane, by its id and the zone's.
            var known: [UInt64: UInt32] = [:]
            var last: (key: UInt64, id: UInt32)?
            let window = { (group: Int) -> UInt32 in
                let key = UInt64(source.startID(ofGroup: group)) | UInt64(source.zoneID(ofGroup: group)) << 32
                if let last, last.key == key { return last.id }
                let id = known[key] ?? groups.startID(of: start(number, of: group, source, function))
                known[key] = id
                last = (key, id)
                return id
            }
            groups.assign(source.groupCount, groupsOf: source, window: window) { $0 }
            groups.absorb(source)
        }
        return groups
    }

    private static func start(
        _ number: Int, of group: Int, _ source: SetGroups, _ function: any WindowFunction
    ) -> Int64 {
        guard let start = source.windowStart(ofGroup: group) else {
            preconditionFailure("groups without windows have none to be made of them")
        }
        let pane = function.pane(of: start, in: source.zone(ofGroup: group) ?? .utc).start
        return function.windowsPerPane == 1 ? pane : function.window(number, of: pane)
    }
}
