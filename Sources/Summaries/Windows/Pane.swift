/// A stretch of event time whose records are counted together.
package struct Pane: Hashable, Sendable {
    /// What the pane is known by, in microseconds since 1970: its first moment, but for days that a change of the clock
    /// cuts in two, which are one pane and as many stretches.
    package var start: Int64
    /// The first moment of the stretch.
    package var first: Int64
    /// The length of the stretch in microseconds.
    package var length: UInt64

    /// A pane that is known by its first moment.
    package init(start: Int64, length: UInt64) { self.init(start: start, first: start, length: length) }

    /// A stretch of the pane that is known by `start`.
    package init(start: Int64, first: Int64, length: UInt64) {
        self.start = start
        self.first = first
        self.length = length
    }

    /// A pane that holds nothing.
    static let none = Pane(start: .max, length: 0)

    /// Whether its stretch holds a moment: one subtraction.
    @inline(__always)
    func contains(_ microseconds: Int64) -> Bool { UInt64(bitPattern: microseconds &- first) < length }

    /// Whether its stretch holds all of the `length` microseconds from a moment on.
    func contains(_ microseconds: Int64, length: Int64) -> Bool {
        contains(microseconds) && UInt64(bitPattern: microseconds &- first) + UInt64(length) <= self.length
    }
}
