package import Declaration
package import Platform

/// A type of window: it declares itself, checks its declarations, and makes window functions.
///
/// A window type is one folder and one line of the catalog. Nothing else knows it by name.
package protocol WindowType: Sendable {
    /// What a declaration of it may hold.
    static var spec: WindowSpec { get }

    /// Checks a declaration against the records that feed it.
    ///
    /// Where a diagnostic has said already that something is no good, it goes on with what is known and is silent.
    /// - Parameters:
    ///   - window: the map of the type's fields; `size` alone also stands for `{ size: … }`.
    ///   - problems: gets everything that is wrong with it.
    /// - Returns: the function, of no use when there are problems; nil when a problem says why there is none.
    static func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)?
}

/// Cuts event time into panes, and says which windows they are parts of.
///
/// Records are counted by pane. When an epoch closes, the groups of panes are merged into those of windows, so that a
/// record is counted once however many windows it is in. Where each pane is a window, as in tumbling windows, there is
/// nothing to be done.
package protocol WindowFunction: Sendable {
    /// What its windows are called by people, where a node has several: `1h`, `1 day`.
    var size: String { get }
    /// How many windows each pane is a part of: the same number for all.
    var windowsPerPane: Int { get }
    /// The length of its windows in microseconds, if they all have one length and each pane is one of them; else nil. Then
    /// windows of other functions may be made of these.
    var windowLength: Int64? { get }
    /// No window is longer than so many microseconds; windows of the calendar are a little shorter, since zones change.
    var longest: Int64 { get }
    /// The field that says for each record in which time zone its windows lie, nil when that is the same for all.
    var zoneField: RecordSchema.Field? { get }
    /// What it is, in canonical form: two functions with the same definition do the same. It is kept with each table, so
    /// it must not change from version to version.
    var definition: String { get }
    /// What `window_start` is, for people.
    var comment: String { get }
    /// What the version before this one kept.
    var previousDefinition: String { get }

    /// The pane that holds a moment.
    /// - Parameters:
    ///   - microseconds: the moment, in microseconds since 1970.
    ///   - zone: the zone of the record, for a function whose zone is a field; others leave it alone.
    func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane
    /// The start of a window that a pane is a part of. With one window per pane it is the pane's, and nobody asks.
    /// - Parameters:
    ///   - number: which of them, from 0 to `windowsPerPane - 1`.
    ///   - pane: the pane's start.
    func window(_ number: Int, of pane: Int64) -> Int64
}

extension WindowFunction {
    /// Its definition.
    package var size: String { definition }
    /// One: each pane is a window.
    package var windowsPerPane: Int { 1 }
    /// Nobody may rely on one.
    package var windowLength: Int64? { nil }
    /// None.
    package var zoneField: RecordSchema.Field? { nil }
    /// Its definition.
    package var comment: String { "start of a window: \(definition)" }
    /// The same: the version before did not have it.
    package var previousDefinition: String { definition }

    /// The pane of a record without a zone of its own.
    package func pane(of microseconds: Int64) -> Pane { pane(of: microseconds, in: .utc) }

    /// The pane itself.
    package func window(_ number: Int, of pane: Int64) -> Int64 { pane }

    /// The starts of all windows that a pane is a part of.
    package func windows(of pane: Int64) -> [Int64] {
        windowsPerPane == 1 ? [pane] : (0..<windowsPerPane).map { window($0, of: pane) }
    }
}
