package import Declaration

/// A type of window: it declares itself, checks its declarations, and makes window functions.
///
/// A window type is one folder and one line of the catalog. Nothing else knows it by name.
package protocol WindowType: Sendable {
    /// What a declaration of it may hold.
    static var spec: WindowSpec { get }

    /// Checks a declaration.
    ///
    /// Where a diagnostic has said already that something is no good, it goes on with what is known and is silent.
    /// - Parameters:
    ///   - window: the map of the type's fields; `size` alone also stands for `{ size: … }`.
    ///   - problems: gets everything that is wrong with it.
    /// - Returns: the function, of no use when there are problems; nil when a problem says why there is none.
    static func compile(_ window: ConfigValue, _ problems: inout Diagnostics) -> (any WindowFunction)?
}

/// Cuts event time into panes, and says which windows they are parts of.
///
/// Records are counted by pane. When an epoch closes, the groups of panes are merged into those of windows, so that a
/// record is counted once however many windows it is in. Where each pane is a window, as in tumbling windows, there is
/// nothing to be done.
package protocol WindowFunction: Sendable {
    /// How many windows each pane is a part of: the same number for all.
    var windowsPerPane: Int { get }
    /// What it is, in canonical form: two functions with the same definition do the same. It is kept with each table, so
    /// it must not change from version to version.
    var definition: String { get }
    /// What the version before this one kept.
    var previousDefinition: String { get }

    /// The pane that holds a moment, in microseconds since 1970.
    func pane(of microseconds: Int64) -> Pane
    /// The start of a window that a pane is a part of. With one window per pane it is the pane's, and nobody asks.
    /// - Parameters:
    ///   - number: which of them, from 0 to `windowsPerPane - 1`.
    ///   - pane: the pane's start.
    func window(_ number: Int, of pane: Int64) -> Int64
}

extension WindowFunction {
    /// One: each pane is a window.
    package var windowsPerPane: Int { 1 }
    /// The same: the version before did not have it.
    package var previousDefinition: String { definition }

    /// The pane itself.
    package func window(_ number: Int, of pane: Int64) -> Int64 { pane }

    /// The starts of all windows that a pane is a part of.
    package func windows(of pane: Int64) -> [Int64] {
        windowsPerPane == 1 ? [pane] : (0..<windowsPerPane).map { window($0, of: pane) }
    }
}

/// A stretch of event time whose records are counted together.
package struct Pane: Hashable, Sendable {
    /// Its first moment, in microseconds since 1970.
    package var start: Int64
    /// Its length in microseconds.
    package var length: UInt64

    /// A pane.
    package init(start: Int64, length: UInt64) {
        self.start = start
        self.length = length
    }

    /// A pane that holds nothing.
    static let none = Pane(start: .max, length: 0)

    /// Whether it holds a moment: one subtraction.
    @inline(__always)
    func contains(_ microseconds: Int64) -> Bool { UInt64(bitPattern: microseconds &- start) < length }
}
