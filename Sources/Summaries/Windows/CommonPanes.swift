import Platform

/// The panes of several window functions at once: two moments are in one pane if they are in one pane of each. So windows
/// of all of them are made of these panes, whether the finer ones divide the coarser ones or not.
struct CommonPanes: WindowFunction {
    private let functions: [any WindowFunction]

    /// - Precondition: there are at least two functions.
    init(_ functions: [any WindowFunction]) {
        precondition(functions.count > 1, "panes of one function are its own")
        self.functions = functions
    }

    var longest: Int64 { functions.map(\.longest).max() ?? 0 }
    var definition: String { functions.map(\.definition).joined(separator: ", ") }

    func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane {
        var (first, end) = (Int64.min, Int64.max)
        for function in functions {
            let pane = function.pane(of: microseconds, in: zone)
            first = max(first, pane.first)
            let (after, overflow) = pane.first.addingReportingOverflow(Int64(clamping: pane.length))
            end = min(end, overflow ? .max : after)
        }
        return Pane(start: first, length: UInt64(bitPattern: end &- first))
    }
}
